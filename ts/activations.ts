/** Activations by name. The names are the engine's own list, so there is no second table to keep. */
import { ArgumentError, show, UnsupportedError } from './errors.js'
import type { Activation } from './generated/enums.js'
import { Activation as names } from './generated/names.js'
import { part } from './installed.js'
import { camelCase, hint } from './layers/names.js'
import { type Field, type Place, reject } from './layers/options.js'
import { isPlain } from './layers/structure.js'
import { activate } from './ops/activation.js'
import { SymbolicTensor } from './tensor/tensor.js'

/** `'relu'`, `'hardSigmoid'`, …: every activation of Keras 3, and `'hardSigmoidKeras2'` for the older one. */
export type ActivationName = Uncapitalize<keyof typeof Activation>

const aliases = new Map<string, ActivationName>([
  ['swish', 'silu'],
  ['hardSwish', 'hardSilu'],
])

/** A name, or what computes an activation with ops. */
export type ActivationLike = ActivationName | ((x: SymbolicTensor) => SymbolicTensor)

/** The activation of a value; null is linear. */
export function applyActivation(x: SymbolicTensor, activation: ActivationLike | null): SymbolicTensor {
  if (typeof activation !== 'function') return activate(x, activationKind(activation))
  const value: unknown = activation(x)
  if (value instanceof SymbolicTensor) return value
  throw new ArgumentError(`activation must return a tensor, not ${show(value)}`, {
    argument: 'activation',
    actual: value,
  })
}

/** All names in camelCase. */
export function activationNames(): ActivationName[] {
  return names.map(name => (name.charAt(0).toLowerCase() + name.slice(1)) as ActivationName)
}

/** The engine's number of an activation; null is linear. */
export function activationKind(name: ActivationName | null): Activation {
  return activationNames().indexOf(name ?? 'linear') as Activation
}

/** An activation option: a name in camelCase or snake_case, null for linear, or a function. */
export const activation = (initial: ActivationName | null): Field<ActivationLike | null> => ({
  default: initial,
  read: readActivation,
  write: value => {
    if (typeof value !== 'function') return snake(value ?? 'linear')
    if ('config' in value) return value.config
    throw new UnsupportedError('an activation that is a function has no config; give its name', {
      argument: 'activation',
    })
  },
})

function readActivation(value: unknown, place: Place): ActivationLike | null {
  if (value === null) return null
  if (typeof value === 'function') return value as ActivationLike
  // Keras writes functions of its own as { class_name: 'function', config: 'tanh' }.
  if (isPlain(value) && value.class_name === 'function') return readActivation(value.config, place)
  if (isPlain(value) && typeof value.class_name === 'string' && isPlain(value.config)) {
    if (value.class_name === 'Activation') return readActivation(value.config.activation, place)
    return part('activationOf')(value.class_name, value.config, place)
  }
  if (typeof value !== 'string') return reject(place, 'the name of an activation or null', value)
  const name = camelCase(value)
  const known = activationNames()
  const found = known.find(each => each.toLowerCase() === name.toLowerCase()) ?? aliases.get(name)
  if (found) return found
  throw new ArgumentError(
    `${place.layer}: ${place.argument} "${value}" is no activation${hint(name, known)}`,
    {
      ...place,
      actual: value,
    },
  )
}

/** As Keras spells them: `leaky_relu`, but `relu6`. */
function snake(name: string): string {
  return name.replace(/([A-Z])/g, letter => `_${letter.toLowerCase()}`)
}
