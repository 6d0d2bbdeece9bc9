/** Keras's layers that are activations, where a config has one in place of an activation's name. */
import type { ActivationLike } from '../activations.js'
import { UnsupportedError } from '../errors.js'
import { add, elu, greater, minimum, multiply, relu, subtract, where } from '../ops/index.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import type { Place } from './options.js'

type Config = Readonly<Record<string, unknown>>

/** A number of the config, by any of its names. */
type Read = (names: readonly string[], usual: number | null) => number | null

/** What each class computes: by its name, where there is one. */
const classes: Readonly<Record<string, (read: Read) => ActivationLike>> = {
  ReLU: read => rectified(read(['max_value'], null), read(['negative_slope'], 0)!, read(['threshold'], 0)!),
  LeakyReLU: read => rectified(null, read(['negative_slope', 'alpha'], 0.3)!, 0),
  ThresholdedReLU: read => {
    const theta = read(['theta'], 1)!
    return x => where(greater(x, theta), x, 0)
  },
  ELU: read => {
    const alpha = read(['alpha'], 1)!
    return alpha === 1 ? 'elu' : x => add(relu(x), multiply(alpha, elu(minimum(x, 0))))
  },
  Softmax: read => {
    read(['axis'], -1)
    return 'softmax'
  },
}

/** The names of the classes. */
export const activationClasses = Object.keys(classes)

/** x above `threshold` and at most `most`; below it `slope` times what is missing; Keras refuses negative ones. */
function rectified(most: number | null, slope: number, threshold: number): ActivationLike {
  if (threshold === 0 && slope === 0 && most === null) return 'relu'
  if (threshold === 0 && slope === 0 && most === 6) return 'relu6'
  if (threshold === 0 && Math.fround(slope) === Math.fround(0.2) && most === null) return 'leakyRelu'
  return x => {
    const above = threshold === 0 ? relu(x) : where(greater(x, threshold), x, 0)
    const kept = most === null ? above : minimum(above, most)
    return slope === 0 ? kept : subtract(kept, multiply(slope, relu(subtract(threshold, x))))
  }
}

/** The activation of `{ class_name, config }`; a function keeps that as its `config`. */
export function activationOf(className: string, config: Config, place: Place): ActivationLike {
  const fail = (what: string): never => {
    throw new UnsupportedError(`${place.layer}: ${place.argument} ${what}`, { ...place, actual: className })
  }
  const make = Object.hasOwn(classes, className) ? classes[className]! : undefined
  if (className === 'PReLU') fail('PReLU has weights, which an activation has not')
  if (!make) return fail(`${className} is no activation that can be read`)
  const read: Read = (names, usual) => {
    const name = names.find(each => each in config) ?? names[0]!
    const value = config[name] ?? usual
    if (value !== null && typeof value !== 'number')
      return fail(`${className} with ${name} that is no number`)
    if (name === 'axis' && value !== -1) return fail(`${className} with axis ${value}, only -1 is supported`)
    return value
  }
  const found = make(read)
  if (typeof found !== 'function') return found
  const own = (x: SymbolicTensor) => found(x)
  return Object.assign(own, {
    config: { module: 'keras.layers', class_name: className, config, registered_name: null },
  })
}
