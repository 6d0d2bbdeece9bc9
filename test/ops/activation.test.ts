import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scope } from '../../ts/engine/handle.js'
import { ArgumentError } from '../../ts/errors.js'
import { Activation } from '../../ts/generated/enums.js'
import * as ops from '../../ts/ops/index.js'
import { tensor } from '../../ts/tensor/tensor.js'
import { fails, near } from '../engine/support.js'

const xs = [-4, -2.5, -1, -0.3, 0, 0.3, 1, 2.5, 7]
const clip = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high)
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))
const softplus = (x: number) => Math.log1p(Math.exp(x))
const selu = (x: number) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x))

const truth: Record<string, (x: number) => number> = {
  relu: x => Math.max(x, 0),
  relu6: x => clip(x, 0, 6),
  leakyRelu: x => (x > 0 ? x : 0.2 * x),
  elu: x => (x > 0 ? x : Math.expm1(x)),
  selu,
  celu: x => (x > 0 ? x : Math.expm1(x)),
  gelu: x => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  silu: x => x * sigmoid(x),
  tanh: Math.tanh,
  sigmoid,
  hardSigmoid: x => clip(x + 3, 0, 6) / 6,
  hardSilu: x => (x * clip(x + 3, 0, 6)) / 6,
  hardTanh: x => clip(x, -1, 1),
  hardShrink: x => (Math.abs(x) > 0.5 ? x : 0),
  softShrink: x => Math.sign(x) * Math.max(Math.abs(x) - 0.5, 0),
  tanhShrink: x => x - Math.tanh(x),
  softplus,
  softsign: x => x / (1 + Math.abs(x)),
  logSigmoid: x => -softplus(-x),
  mish: x => x * Math.tanh(softplus(x)),
  squareplus: x => (x + Math.sqrt(x * x + 4)) / 2,
  sparsePlus: x => (x <= -1 ? 0 : x < 1 ? (x + 1) ** 2 / 4 : x),
  sparseSigmoid: x => clip((x + 1) / 2, 0, 1),
}

test('each activation', () => {
  scope(() => {
    for (const [name, f] of Object.entries(truth)) {
      const y = ({ ...ops } as unknown as Record<string, typeof ops.relu>)[name]!(tensor(xs))
      near(
        ops.add(y, 0).array(),
        xs.map(x => f(Math.fround(x)) + 0),
        2e-6,
      )
    }
    near(ops.gelu([1], false).array(), [0.8413447460685429])
    near(ops.activate([-1, 2], Activation.Relu).array(), [0, 2])
    near(ops.activate([-1, 2], Activation.Linear).array(), [-1, 2])
  })
})

test('softmax along any axis', () => {
  scope(() => {
    const rows = [
      [1, 2, 3],
      [0, 0, 1000],
    ]
    const of = (xs: readonly number[]) => {
      const e = xs.map(x => Math.exp(x - Math.max(...xs)))
      return e.map(x => x / e.reduce((a, b) => a + b))
    }
    near(ops.softmax(rows).array(), rows.map(of))
    const columns = [0, 1, 2].map(i => of(rows.map(row => row[i]!)))
    near(
      ops.softmax(rows, 0).array(),
      [0, 1].map(i => columns.map(column => column[i]!)),
    )
    near(ops.logSoftmax([1, 2, 3]).array(), of([1, 2, 3]).map(Math.log))
    near(ops.sparsemax([0.1, 1.1, 0.2]).array(), [0, 0.95, 0.05])
    fails(() => ops.softmax(rows, 2), ArgumentError, /axis must be in -2 … 1, not 2/)
  })
})

test('every activation of the engine can be had', () => {
  scope(() => {
    for (const kind of Object.values(Activation)) assert.equal(ops.activate([[0, 1]], kind).shape, [1, 2])
  })
})

test.run()
