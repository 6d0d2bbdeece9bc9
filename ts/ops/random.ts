/**
 * Random tensors. Each number is a function of the seed and of its place alone, so the same seed gives the same tensor anywhere.
 */
import { Distribution, Op } from '../generated/enums.js'
import type { Tensor } from '../tensor/tensor.js'
import { bits, operateOne } from './operation.js'
import { dims, type Sizes, sizeCodes } from './shaping.js'

/** Two 32-bit words. */
export type Seed = readonly [low: number, high: number]

function random(name: string, distribution: Distribution) {
  return (shape: Sizes, a: number, b: number, [low, high]: Seed): Tensor => {
    const likes = dims(name, shape)
    return operateOne(name, likes, (values, trace) => {
      const attrs = [
        distribution,
        bits(a),
        bits(b),
        low >>> 0,
        high >>> 0,
        0,
        ...sizeCodes(name, shape, likes),
      ]
      return trace.emit(Op.Random, values, attrs)[0]!
    }) as Tensor
  }
}

/** (shape, min, max, seed): from min up to, without, max */
export const randomUniform = /* @__PURE__ */ random('randomUniform', Distribution.Uniform)
/** (shape, mean, deviation, seed) */
export const randomNormal = /* @__PURE__ */ random('randomNormal', Distribution.Normal)
/** (shape, mean, deviation, seed): redrawn beyond two deviations, as Keras does */
export const truncatedNormal = /* @__PURE__ */ random('truncatedNormal', Distribution.TruncatedNormal)
