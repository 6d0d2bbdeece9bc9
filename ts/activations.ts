/** Activations by name. The names are the engine's own list, so there is no second table to keep. */
import { ArgumentError, UnsupportedError } from './errors.js'
import { Activation } from './generated/enums.js'
import { camelCase, hint, pascalCase } from './layers/names.js'
import { type Field, type Place, reject } from './layers/options.js'
import { isPlain } from './layers/structure.js'

/** `'relu'`, `'hardSigmoid'`, …: every activation of Keras 3, and `'hardSigmoidKeras2'` for the older one. */
export type ActivationName = Uncapitalize<keyof typeof Activation>

const aliases = new Map<string, ActivationName>([
  ['swish', 'silu'],
  ['hardSwish', 'hardSilu'],
])

/** All names in camelCase. */
export function activationNames(): ActivationName[] {
  return Object.keys(Activation).map(name => (name.charAt(0).toLowerCase() + name.slice(1)) as ActivationName)
}

/** The engine's number of an activation; null is linear. */
export function activationKind(name: ActivationName | null): Activation {
  return Activation[pascalCase(name ?? 'linear') as keyof typeof Activation]
}

/** An activation option: a name in camelCase or snake_case, or null for linear. */
export const activation = (initial: ActivationName | null): Field<ActivationName | null> => ({
  default: initial,
  read: readActivation,
  write: name => snake(name ?? 'linear'),
})

function readActivation(value: unknown, place: Place): ActivationName | null {
  if (value === null) return null
  if (typeof value === 'function') {
    throw new UnsupportedError(`${place.layer}: ${place.argument} cannot be a function, only a name`, place)
  }
  // Keras writes functions of its own as { class_name: 'function', config: 'tanh' }.
  if (isPlain(value) && value.class_name === 'function') return readActivation(value.config, place)
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
