/** Ops on each element, broadcast as NumPy does. Mixed dtypes become the widest of bool, int32, float32. */
import { Binary, Compare, Logical, Op, Unary } from '../generated/enums.js'
import type { DType } from '../tensor/shape.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import { cast, literals, promote } from './cast.js'
import { type Like, type Operand, operateOne } from './operation.js'

function binary(name: string, op: Op, kind: number, least: DType) {
  return <A extends Operand, B extends Operand>(a: A, b: B): Like<A | B> =>
    operateOne(name, literals(a, b), (values, trace) => trace.emit(op, promote(values, least), [kind])[0]!)
}

const arithmetic = (name: string, kind: Binary, least: DType = 'int32') =>
  binary(name, Op.Binary, kind, least)
const comparison = (name: string, kind: Compare) => binary(name, Op.Compare, kind, 'int32')

/** a + b */
export const add = arithmetic('add', Binary.Add)
/** a − b */
export const subtract = arithmetic('subtract', Binary.Sub)
/** a · b */
export const multiply = arithmetic('multiply', Binary.Mul)
/** a / b in float32 */
export const divide = arithmetic('divide', Binary.Div, 'float32')
/** The larger; a NaN stays. */
export const maximum = arithmetic('maximum', Binary.Maximum)
/** The smaller; a NaN stays. */
export const minimum = arithmetic('minimum', Binary.Minimum)
/** a to the power b, in float32 */
export const power = arithmetic('power', Binary.Pow, 'float32')
/** ⌊a / b⌋; for int32, 0 where b is 0 */
export const floorDivide = arithmetic('floorDivide', Binary.FloorDiv)
/** a − b ⌊a / b⌋, with the sign of b */
export const mod = arithmetic('mod', Binary.Mod)

/** a = b, as bool */
export const equal = comparison('equal', Compare.Equal)
/** a ≠ b, as bool; true for NaN */
export const notEqual = comparison('notEqual', Compare.NotEqual)
/** a < b, as bool */
export const less = comparison('less', Compare.Less)
/** a ≤ b, as bool */
export const lessEqual = comparison('lessEqual', Compare.LessEqual)
/** a > b, as bool */
export const greater = comparison('greater', Compare.Greater)
/** a ≥ b, as bool */
export const greaterEqual = comparison('greaterEqual', Compare.GreaterEqual)

function logical(name: string, kind: Logical) {
  return <A extends Operand, B extends Operand>(a: A, b: B): Like<A | B> =>
    operateOne<A | B>(
      name,
      [a, b],
      (values, trace) =>
        trace.emit(
          Op.Logical,
          values.map(value => cast(value, 'bool')),
          [kind],
        )[0]!,
    )
}

/** Both; anything but 0 is true. */
export const logicalAnd = logical('logicalAnd', Logical.And)
/** Either, or both */
export const logicalOr = logical('logicalOr', Logical.Or)
/** Just one */
export const logicalXor = logical('logicalXor', Logical.Xor)

/** True where x is 0. */
export function logicalNot<X extends Operand>(x: X): Like<X> {
  return operateOne('logicalNot', [x], ([x], trace) => trace.emit(Op.Not, [cast(x!, 'bool')], [])[0]!)
}

/** `condition ? a : b`, element by element; what is not chosen reaches nothing, NaN included. */
export function where<C extends Operand, A extends Operand, B extends Operand>(
  condition: C,
  a: A,
  b: B,
): Like<C | A | B> {
  return operateOne<C | A | B>('where', [condition, ...literals(a, b)], ([condition, ...values], trace) => {
    const bool = values.every(value => value.dtype === 'bool')
    const [chosen] = trace.emit(Op.Select, [cast(condition!, 'bool'), ...promote(values, 'int32')], [])
    return bool ? cast(chosen!, 'bool') : chosen!
  })
}

function unary(name: string, kind: Unary, integer?: (x: SymbolicTensor) => SymbolicTensor) {
  return <X extends Operand>(x: X): Like<X> =>
    operateOne(name, [x], ([x], trace) =>
      integer && x!.dtype !== 'float32'
        ? integer(cast(x!, 'int32'))
        : trace.emit(Op.Unary, [cast(x!, 'float32')], [kind])[0]!,
    )
}

const same = (x: SymbolicTensor) => x

/** −x */
export const negative = unary('negative', Unary.Neg, x => subtract(0, x))
/** |x| */
export const abs = unary('abs', Unary.Abs, x => maximum(x, subtract(0, x)))
/** −1, 0 or 1 */
export const sign = unary('sign', Unary.Sign, x => minimum(maximum(x, -1), 1))
/** x² */
export const square = unary('square', Unary.Square, x => multiply(x, x))
/** √x */
export const sqrt = unary('sqrt', Unary.Sqrt)
/** 1 / √x */
export const rsqrt = unary('rsqrt', Unary.Rsqrt)
/** 1 / x */
export const reciprocal = unary('reciprocal', Unary.Reciprocal)
/** Towards −∞ */
export const floor = unary('floor', Unary.Floor, same)
/** Towards +∞ */
export const ceil = unary('ceil', Unary.Ceil, same)
/** To the nearest integer, halves to even */
export const round = unary('round', Unary.Round, same)
/** eˣ */
export const exp = unary('exp', Unary.Exp)
/** eˣ − 1 */
export const expm1 = unary('expm1', Unary.Expm1)
/** ln x */
export const log = unary('log', Unary.Log)
/** ln(1 + x) */
export const log1p = unary('log1p', Unary.Log1p)
/** sin x, in radians */
export const sin = unary('sin', Unary.Sin)
/** cos x, in radians */
export const cos = unary('cos', Unary.Cos)
/** The error function */
export const erf = unary('erf', Unary.Erf)
