/** Activations, with Keras 3's default parameters. */
import { Activation, Op } from '../generated/enums.js'
import { axisOf } from '../tensor/shape.js'
import { cast } from './cast.js'
import { type Like, type Operand, operateOne } from './operation.js'
import { transpose } from './shaping.js'

/** The activation of this number; softmax and its like act on the last axis. */
export function activate<X extends Operand>(x: X, kind: number): Like<X> {
  return named('activate', kind)(x)
}

function named(name: string, kind: number) {
  return <X extends Operand>(x: X): Like<X> =>
    operateOne(name, [x], ([x], trace) =>
      kind === Activation.Linear ? x! : trace.emit(Op.Activate, [cast(x!, 'float32')], [kind])[0]!,
    )
}

/** Activations of whole rows, along any axis. */
function row(name: string, kind: number) {
  return <X extends Operand>(x: X, axis = -1): Like<X> =>
    operateOne(name, [x], ([x], trace) => {
      const { rank } = x!
      const moved = axisOf(axis, rank, name)
      const swap = Array.from({ length: rank }, (_, i) =>
        i === moved ? rank - 1 : i === rank - 1 ? moved : i,
      )
      const last = moved === rank - 1
      const rows = cast(last ? x! : transpose(x!, swap), 'float32')
      const [y] = trace.emit(Op.Activate, [rows], [kind])
      return last ? y! : transpose(y!, swap)
    })
}

/** max(x, 0) */
export const relu = /* @__PURE__ */ named('relu', Activation.Relu)
/** min(max(x, 0), 6) */
export const relu6 = /* @__PURE__ */ named('relu6', Activation.Relu6)
/** x, or 0.2 x below 0 */
export const leakyRelu = /* @__PURE__ */ named('leakyRelu', Activation.LeakyRelu)
/** x, or eˣ − 1 below 0 */
export const elu = /* @__PURE__ */ named('elu', Activation.Elu)
/** 1.0507 x, or 1.0507 · 1.67326 (eˣ − 1) below 0 */
export const selu = /* @__PURE__ */ named('selu', Activation.Selu)
/** max(x, 0) + e^min(x, 0) − 1 */
export const celu = /* @__PURE__ */ named('celu', Activation.Celu)
/** x sigmoid(x) */
export const silu = /* @__PURE__ */ named('silu', Activation.Silu)
export const tanh = /* @__PURE__ */ named('tanh', Activation.Tanh)
/** 1 / (1 + e⁻ˣ) */
export const sigmoid = /* @__PURE__ */ named('sigmoid', Activation.Sigmoid)
/** Keras 3's: min(max(x + 3, 0), 6) / 6 */
export const hardSigmoid = /* @__PURE__ */ named('hardSigmoid', Activation.HardSigmoid)
/** x hardSigmoid(x) */
export const hardSilu = /* @__PURE__ */ named('hardSilu', Activation.HardSilu)
/** min(max(x, −1), 1) */
export const hardTanh = /* @__PURE__ */ named('hardTanh', Activation.HardTanh)
/** x where |x| > 0.5, else 0 */
export const hardShrink = /* @__PURE__ */ named('hardShrink', Activation.HardShrink)
/** x less 0.5 towards 0 */
export const softShrink = /* @__PURE__ */ named('softShrink', Activation.SoftShrink)
/** x − tanh x */
export const tanhShrink = /* @__PURE__ */ named('tanhShrink', Activation.TanhShrink)
/** ln(1 + eˣ) */
export const softplus = /* @__PURE__ */ named('softplus', Activation.Softplus)
/** x / (1 + |x|) */
export const softsign = /* @__PURE__ */ named('softsign', Activation.Softsign)
/** ln sigmoid(x) */
export const logSigmoid = /* @__PURE__ */ named('logSigmoid', Activation.LogSigmoid)
/** x tanh(softplus(x)) */
export const mish = /* @__PURE__ */ named('mish', Activation.Mish)
/** (x + √(x² + 4)) / 2 */
export const squareplus = /* @__PURE__ */ named('squareplus', Activation.Squareplus)
/** 0 below −1, (x + 1)² / 4 up to 1, then x */
export const sparsePlus = /* @__PURE__ */ named('sparsePlus', Activation.SparsePlus)
/** 0 below −1, (x + 1) / 2 up to 1, then 1 */
export const sparseSigmoid = /* @__PURE__ */ named('sparseSigmoid', Activation.SparseSigmoid)

const geluTanh = /* @__PURE__ */ named('gelu', Activation.GeluTanh)
const geluErf = /* @__PURE__ */ named('gelu', Activation.Gelu)

/** x Φ(x), by an approximation with tanh as `keras.ops.gelu`, or by the error function as the activation `'gelu'`. */
export function gelu<X extends Operand>(x: X, approximate = true): Like<X> {
  return (approximate ? geluTanh : geluErf)(x)
}

/** eˣ / Σ eˣ along an axis */
export const softmax = /* @__PURE__ */ row('softmax', Activation.Softmax)
/** ln softmax */
export const logSoftmax = /* @__PURE__ */ row('logSoftmax', Activation.LogSoftmax)
/** The nearest point of the simplex */
export const sparsemax = /* @__PURE__ */ row('sparsemax', Activation.Sparsemax)
