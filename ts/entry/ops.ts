/**
 * `layer-rnn/ops`: the ops alone.
 *
 * @module
 */
import './inline.js'

export * from '../ops/index.js'
export type { DType, Shape } from '../tensor/shape.js'
export { SymbolicTensor, Tensor, tensor } from '../tensor/tensor.js'
