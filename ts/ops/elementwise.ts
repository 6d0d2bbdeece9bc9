/** Ops on each element, broadcast as NumPy does. Mixed dtypes become the widest of bool, int32, float32. */
import { Binary, Compare, Logical, Op, Unary } from '../generated/enums.js'
import type { DType } from '../tensor/shape.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import { cast, literals, promote } from './cast.js'
import { type Like, type Operand, operateOne } from './operation.js'
import type { Trace } from './trace.js'

function binary(name: string, op: Op, kind: number, least: DType) {
  return <A extends Operand, B extends Operand>(a: A, b: B): Like<A | B> =>
    operateOne(name, literals(a, b), (values, trace) => trace.emit(op, promote(values, least), [kind])[0]!)
}

const arithmetic = (name: string, kind: Binary, least: DType = 'int32') =>
  binary(name, Op.Binary, kind, least)
const comparison = (name: string, kind: Compare) => binary(name, Op.Compare, kind, 'int32')

/** a + b */
export const add = /* @__PURE__ */ arithmetic('add', Binary.Add)
/** a − b */
export const subtract = /* @__PURE__ */ arithmetic('subtract', Binary.Sub)
/** a · b */
export const multiply = /* @__PURE__ */ arithmetic('multiply', Binary.Mul)
/** a / b in float32 */
export const divide = /* @__PURE__ */ arithmetic('divide', Binary.Div, 'float32')
/** The larger; a NaN stays. */
export const maximum = /* @__PURE__ */ arithmetic('maximum', Binary.Maximum)
/** The smaller; a NaN stays. */
export const minimum = /* @__PURE__ */ arithmetic('minimum', Binary.Minimum)
/** a to the power b, in float32 */
export const power = /* @__PURE__ */ arithmetic('power', Binary.Pow, 'float32')
/** ⌊a / b⌋; for int32, 0 where b is 0 */
export const floorDivide = /* @__PURE__ */ arithmetic('floorDivide', Binary.FloorDiv)
/** a − b ⌊a / b⌋, with the sign of b */
export const mod = /* @__PURE__ */ arithmetic('mod', Binary.Mod)

/** a = b, as bool */
export const equal = /* @__PURE__ */ comparison('equal', Compare.Equal)
/** a ≠ b, as bool; true for NaN */
export const notEqual = /* @__PURE__ */ comparison('notEqual', Compare.NotEqual)
/** a < b, as bool */
export const less = /* @__PURE__ */ comparison('less', Compare.Less)
/** a ≤ b, as bool */
export const lessEqual = /* @__PURE__ */ comparison('lessEqual', Compare.LessEqual)
/** a > b, as bool */
export const greater = /* @__PURE__ */ comparison('greater', Compare.Greater)
/** a ≥ b, as bool */
export const greaterEqual = /* @__PURE__ */ comparison('greaterEqual', Compare.GreaterEqual)

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
export const logicalAnd = /* @__PURE__ */ logical('logicalAnd', Logical.And)
/** Either, or both */
export const logicalOr = /* @__PURE__ */ logical('logicalOr', Logical.Or)
/** Just one */
export const logicalXor = /* @__PURE__ */ logical('logicalXor', Logical.Xor)

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
  const roles = ['condition', 'a', 'b']
  const operands = [condition, ...literals(a, b)]
  const body = ([condition, ...values]: readonly SymbolicTensor[], trace: Trace) => {
    const bool = values.every(value => value.dtype === 'bool')
    const [chosen] = trace.emit(Op.Select, [cast(condition!, 'bool'), ...promote(values, 'int32')], [])
    return bool ? cast(chosen!, 'bool') : chosen!
  }
  return operateOne<C | A | B>('where', operands, body, roles)
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
export const negative = /* @__PURE__ */ unary('negative', Unary.Neg, x => subtract(0, x))
/** |x| */
export const abs = /* @__PURE__ */ unary('abs', Unary.Abs, x => maximum(x, subtract(0, x)))
/** −1, 0 or 1 */
export const sign = /* @__PURE__ */ unary('sign', Unary.Sign, x => minimum(maximum(x, -1), 1))
/** x² */
export const square = /* @__PURE__ */ unary('square', Unary.Square, x => multiply(x, x))
/** √x */
export const sqrt = /* @__PURE__ */ unary('sqrt', Unary.Sqrt)
/** 1 / √x */
export const rsqrt = /* @__PURE__ */ unary('rsqrt', Unary.Rsqrt)
/** 1 / x */
export const reciprocal = /* @__PURE__ */ unary('reciprocal', Unary.Reciprocal)
/** Towards −∞ */
export const floor = /* @__PURE__ */ unary('floor', Unary.Floor, same)
/** Towards +∞ */
export const ceil = /* @__PURE__ */ unary('ceil', Unary.Ceil, same)
/** To the nearest integer, halves to even */
export const round = /* @__PURE__ */ unary('round', Unary.Round, same)
/** eˣ */
export const exp = /* @__PURE__ */ unary('exp', Unary.Exp)
/** eˣ − 1 */
export const expm1 = /* @__PURE__ */ unary('expm1', Unary.Expm1)
/** ln x */
export const log = /* @__PURE__ */ unary('log', Unary.Log)
/** ln(1 + x) */
export const log1p = /* @__PURE__ */ unary('log1p', Unary.Log1p)
/** sin x, in radians */
export const sin = /* @__PURE__ */ unary('sin', Unary.Sin)
/** cos x, in radians */
export const cos = /* @__PURE__ */ unary('cos', Unary.Cos)
/** The error function */
export const erf = /* @__PURE__ */ unary('erf', Unary.Erf)
