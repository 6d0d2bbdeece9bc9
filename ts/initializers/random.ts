/** Uniform, normal and variance-scaling draws. */
import { randomNormal, randomUniform, truncatedNormal } from '../ops/draw.js'
import type { Key } from '../ops/seed.js'
import type { Tensor } from '../tensor/tensor.js'
import type { Draw } from './initializer.js'

type Shape = readonly number[]

export const randomDraws: Readonly<Record<string, Draw>> = {
  RandomUniform: ({ minval, maxval }, shape, key) => randomUniform(shape, minval, maxval, key),
  RandomNormal: ({ mean, stddev }, shape, key) => randomNormal(shape, mean, stddev, key),
  TruncatedNormal: ({ mean, stddev }, shape, key) => truncatedNormal(shape, mean, stddev, key),
  VarianceScaling: ({ scale, mode, distribution }, shape, key) =>
    scaled(scale, mode, distribution, shape, key),
  GlorotUniform: preset(1, 'fan_avg', 'uniform'),
  GlorotNormal: preset(1, 'fan_avg', 'truncated_normal'),
  HeUniform: preset(2, 'fan_in', 'uniform'),
  HeNormal: preset(2, 'fan_in', 'truncated_normal'),
  LecunUniform: preset(1, 'fan_in', 'uniform'),
  LecunNormal: preset(1, 'fan_in', 'truncated_normal'),
}

function preset(scale: number, mode: string, distribution: string): Draw {
  return (_, shape, key) => scaled(scale, mode, distribution, shape, key)
}

/** Standard deviation of a unit normal cut at two sigmas. */
const truncatedDeviation = 0.8796256610342398

function scaled(scale: number, mode: string, distribution: string, shape: Shape, key: Key): Tensor {
  const [fanIn, fanOut] = fans(shape)
  const fan = mode === 'fan_in' ? fanIn : mode === 'fan_out' ? fanOut : (fanIn + fanOut) / 2
  const variance = scale / Math.max(1, fan)
  if (distribution === 'uniform') {
    const limit = Math.sqrt(3 * variance)
    return randomUniform(shape, -limit, limit, key)
  }
  if (distribution === 'untruncated_normal') return randomNormal(shape, 0, Math.sqrt(variance), key)
  return truncatedNormal(shape, 0, Math.sqrt(variance) / truncatedDeviation, key)
}

/** Inputs and outputs of one unit, as Keras counts them: leading axes are a receptive field. */
export function fans(shape: Shape): [fanIn: number, fanOut: number] {
  if (shape.length < 2) return [shape[0] ?? 1, shape[0] ?? 1]
  const field = shape.slice(0, -2).reduce((product, size) => product * size, 1)
  return [shape.at(-2)! * field, shape.at(-1)! * field]
}
