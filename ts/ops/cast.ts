/** Dtypes: changed when asked for, and brought together where ops mix them. */
import { Op } from '../generated/enums.js'
import { NdArray } from '../tensor/ndarray.js'
import { type DType, kindOf } from '../tensor/shape.js'
import { SymbolicTensor } from '../tensor/tensor.js'
import { type Like, type Operand, operateOne } from './operation.js'

/** Another dtype: floats are cut towards zero, anything but 0 is true. */
export function cast<X extends Operand>(x: X, dtype: DType): Like<X> {
  const { code } = kindOf(dtype)
  return operateOne('cast', [x], ([x], trace) =>
    x!.dtype === dtype ? x! : trace.emit(Op.Cast, [x!], [code])[0]!,
  )
}

const order: readonly DType[] = ['bool', 'int32', 'float32']

/** Values in the widest dtype among them, `least` or wider: bool, int32, float32. */
export function promote(values: readonly SymbolicTensor[], least: DType = 'bool'): SymbolicTensor[] {
  const widest = Math.max(...values.map(value => order.indexOf(value.dtype)), order.indexOf(least))
  return values.map(value => cast(value, order[widest]!))
}

/** Two operands, a whole number next to an int32 tensor being int32 too. */
export function literals<A extends Operand, B extends Operand>(a: A, b: B): [A | B, A | B] {
  return [literal(a, b) as A, literal(b, a) as B]
}

function literal(value: Operand, other: Operand): Operand {
  const whole = typeof value === 'number' && (value | 0) === value
  const integer = other instanceof SymbolicTensor && other.dtype !== 'float32'
  return whole && integer ? new NdArray(Int32Array.of(value), []) : value
}
