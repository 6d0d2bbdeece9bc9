/**
 * The ops: what cells, layers and models compute with. Like to like: data are computed at once, traced and symbolic tensors
 * become part of a program. Numbers and nested arrays are taken for constants.
 *
 * @module
 */
export * from './activation.js'
export { cumprod, cumsum, pad, repeat, tile, unstack } from './arranging.js'
export { cast } from './cast.js'
export { type ConvOptions, conv } from './conv.js'
export * from './creation.js'
export { einsum } from './einsum.js'
export * from './elementwise.js'
export { type GradOptions, grad, stopGradient, valueAndGrad } from './gradient.js'
export { dot, linear, matmul, take } from './matmul.js'
export type { Like, Operand } from './operation.js'
export { averagePool, maxPool, type PoolOptions } from './pooling.js'
export * as random from './random.js'
export { all, any, argmax, argmin, max, mean, min, prod, sum } from './reduction.js'
export { cond, type ScanOptions, scan } from './scan.js'
export {
  broadcastTo,
  concatenate,
  expandDims,
  flip,
  reshape,
  type Sizes,
  shape,
  slice,
  split,
  squeeze,
  stack,
  transpose,
} from './shaping.js'
export {
  clip,
  layerNormalization,
  norm,
  oneHot,
  std,
  topK,
  variance as var,
} from './statistics.js'
