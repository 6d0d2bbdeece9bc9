/** New tensors filled with one number. */
import { Op } from '../generated/enums.js'
import { convert } from '../tensor/convert.js'
import { type DType, kindOf } from '../tensor/shape.js'
import type { Tensor } from '../tensor/tensor.js'
import { bits, type Like, type Operand, operateOne } from './operation.js'
import { dims, type Sizes, sizeCodes, shape as sizesOf } from './shaping.js'

/** A tensor full of one number. Sizes may be such that are not known while tracing. */
export function full(shape: Sizes, value: number | boolean, dtype?: DType): Tensor {
  const { data, dtype: type } = convert(value, { dtype, what: 'full: value' })
  const likes = dims('full', shape)
  const { code } = kindOf(type)
  return operateOne('full', likes, (values, trace) => {
    const word = bits(data[0]!, type === 'float32')
    return trace.emit(Op.Fill, values, [code, word, ...sizeCodes('full', shape, likes)])[0]!
  }) as Tensor
}

export function zeros(shape: Sizes, dtype: DType = 'float32'): Tensor {
  return full(shape, 0, dtype)
}

export function ones(shape: Sizes, dtype: DType = 'float32'): Tensor {
  return full(shape, 1, dtype)
}

/** One number in the shape of `x`, and in its dtype unless another is given. */
export function fullLike<X extends Operand>(x: X, value: number | boolean, dtype?: DType): Like<X> {
  return operateOne('fullLike', [x], ([x]) => {
    return full(sizesOf(x!), value, dtype ?? x!.dtype)
  })
}

export function zerosLike<X extends Operand>(x: X, dtype?: DType): Like<X> {
  return fullLike(x, 0, dtype)
}

export function onesLike<X extends Operand>(x: X, dtype?: DType): Like<X> {
  return fullLike(x, 1, dtype)
}
