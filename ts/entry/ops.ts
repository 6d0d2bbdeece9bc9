/**
 * `layer-rnn/ops`: the ops alone.
 *
 * @module
 */
import './inline.js'

export * from '../ops/index.js'
export type { ArrayLike } from '../tensor/convert.js'
export type { NestedArray } from '../tensor/ndarray.js'
export type { Data, DType, Shape } from '../tensor/shape.js'
export { SymbolicTensor, Tensor, tensor } from '../tensor/tensor.js'
