/** Cells that users write: run over time inside the engine, as the built-in ones. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  ArgumentError,
  GRU,
  Input,
  LSTM,
  layerRnn,
  Model,
  type NdArray,
  ops,
  RNN,
  RNNCell,
  Sequential,
  SimpleRNN,
  type SymbolicTensor,
  scope,
  type Tensor,
} from '../../ts/entry/api.js'
import { balanced, fails, near } from '../engine/support.js'
import { numbers, sequences } from '../support/random.js'
import { CountingCell, MinimalRNNCell, OpsLSTMCell, plain } from './support.js'

const features = 5
const [batch, time] = [3, 6]
const x = sequences(batch, time, features)
const mask = [
  [true, true, true, true, true, true],
  [true, true, true, false, false, false],
  [false, false, true, true, false, false],
]

test('the minimal cell, alone and stacked, on symbolic tensors', () =>
  balanced(() => {
    const input = Input({ shape: [null, 5] })
    const one = layerRnn(input, { cell: new MinimalRNNCell(32) })
    const two = layerRnn(input, { cell: [new MinimalRNNCell(32), new MinimalRNNCell(64)] })
    assert.equal(
      [one.shape, two.shape],
      [
        [null, 32],
        [null, 64],
      ],
    )
    const numbersAsCells = () => layerRnn({ cell: [32, 4] as never })
    fails(
      numbersAsCells,
      ArgumentError,
      /^RNN: cell must be a cell, as LSTMCell, with "call" and "stateSize", not 32/,
    )
    using model = new Model({ inputs: input, outputs: [one, two] })
    assert.equal(
      model.weights.map(({ name, shape }) => [name, ...shape]),
      [
        ['kernel', 5, 32],
        ['recurrent_kernel', 32, 32],
        ['kernel', 5, 32],
        ['recurrent_kernel', 32, 32],
        ['kernel', 32, 64],
        ['recurrent_kernel', 64, 64],
      ],
    )
    assert.is(model.countParams(), 37 * 32 * 2 + 96 * 64)
  }))

test('the minimal cell computes its equation', () => {
  using layer = new RNN({ cell: new MinimalRNNCell(4), returnSequences: true })
  const y = scope(() => (layer.apply(x) as Tensor).array())
  const [k, r] = layer.getWeights().map(weight => weight.array() as number[][]) as [number[][], number[][]]
  const times = (row: readonly number[], m: number[][], u: number) =>
    row.reduce((sum, value, i) => sum + value * m[i]![u]!, 0)
  const expected = x.map(row => {
    let h = [0, 0, 0, 0]
    return row.map(step => (h = h.map((_, u) => times(step, k, u) + times(h, r, u))))
  })
  near(y, expected)
})

test('an LSTM written with ops is the built-in one but for rounding', () => {
  using custom = new RNN({ cell: new OpsLSTMCell(8), returnSequences: true })
  using fused = new LSTM({ units: 8, returnSequences: true })
  const [a, b] = scope(() => {
    custom.build([null, null, features])
    fused.build([null, null, features])
    fused.setWeights(custom.getWeights())
    return [custom, fused].map(layer => (layer.apply(x) as Tensor).array())
  })
  near(a!, b!, 3e-7)
})

test('activations that are functions: the same cells, computed with ops', () => {
  const activations = { activation: (z: SymbolicTensor) => ops.tanh(z), recurrentActivation: ops.sigmoid }
  const pairs: [RNN, RNN][] = [
    [new LSTM({ units: 4, ...activations }), new LSTM({ units: 4 })],
    [new GRU({ units: 4, ...activations }), new GRU({ units: 4 })],
    [
      new GRU({ units: 4, resetAfter: false, activation: ops.tanh }),
      new GRU({ units: 4, resetAfter: false }),
    ],
    [new GRU({ units: 4, useBias: false, ...activations }), new GRU({ units: 4, useBias: false })],
    [new SimpleRNN({ units: 4, activation: ops.tanh }), new SimpleRNN({ units: 4 })],
  ] as unknown as [RNN, RNN][]
  for (const [own, builtin] of pairs) {
    scope(() => {
      const [y] = [builtin.apply(x, { mask }) as Tensor]
      own.build([null, null, features])
      own.setWeights(builtin.getWeights())
      near((own.apply(x, { mask }) as Tensor).array(), y.array(), 3e-7)
    })
    own.dispose()
    builtin.dispose()
  }
})

test('variables that a step assigns are what the step before left', () =>
  balanced(() => {
    for (const unroll of [false, true]) {
      using layer = new RNN({ cell: new CountingCell(), unroll })
      const data = x.map(row => row.map(step => step.slice(0, 2)))
      const expected = (calls: number) => {
        let [count, mean, h] = [0, [0, 0], data.map(() => 0)]
        for (let call = 0; call < calls; call++) {
          h = data.map(() => 0)
          for (let t = 0; t < time; t++) {
            h = h.map(
              (value, b) => value + data[b]![t]!.reduce((sum, v, i) => sum + v - mean[i]!, 0) + 100 * count,
            )
            mean = mean.map(
              (value, i) => 0.5 * value + (0.5 / batch) * data.reduce((sum, row) => sum + row[t]![i]!, 0),
            )
            count++
          }
        }
        return { count, mean, h }
      }
      for (const calls of [1, 2]) {
        const { count, mean, h } = expected(calls)
        near(
          scope(() => (layer.apply(data) as Tensor).array()),
          h.map(value => [value]),
          1e-5,
        )
        const { cell } = layer as unknown as { cell: CountingCell }
        assert.is(cell.count.item(), count)
        near(cell.mean.array(), mean, 1e-5)
      }
    }
  }))

test('unroll runs the step of a cell once for each step', () => {
  let calls = 0
  const cell = {
    stateSize: 1,
    call: (x: Tensor, [h]: [Tensor]) => {
      const o = calls++ % 2 === 0 ? ops.add(h, ops.sum(x, -1, true)) : h
      return [o, o]
    },
  }
  const data = [[[1], [2], [4], [8], [16]]]
  using unrolled = new RNN({ cell, unroll: true })
  assert.equal(
    scope(() => (unrolled.apply(data) as Tensor).array()),
    [[21]],
  )
  assert.is(calls, 5)
  calls = 0
  using rolled = new RNN({ cell })
  assert.equal(
    scope(() => (rolled.apply(data) as Tensor).array()),
    [[31]],
  )
  assert.is(calls, 1)
})

test('constants and values around the step', () => {
  const cell = {
    stateSize: 3,
    call: (x: Tensor, [h]: [Tensor], { constants: [c] }: { constants: Tensor[] }) => {
      const o = ops.add(ops.add(x, h), c!)
      return [o, [o]]
    },
  }
  const data = sequences(2, 4, 3)
  const c = [...numbers(6)]
  const rows = [c.slice(0, 3), c.slice(3)]
  const expected = data.map((row, b) =>
    row[0]!.map((_, u) => row.reduce((sum, step) => sum + step[u]! + rows[b]![u]!, 0)),
  )
  using layer = new RNN({ cell })
  using listed = new RNN({ cell, numConstants: 1 })
  scope(() => {
    const [xs, cs] = [data, rows].map(value => ops.add(value as never, 0)) as unknown as [Tensor, Tensor]
    near((layer.apply(xs, { constants: [cs] }) as Tensor).array(), expected)
    near((layer.apply(xs, { constants: cs }) as Tensor).array(), expected)
    near((listed.apply([xs, cs]) as Tensor).array(), expected)
    near((listed.apply([xs, ops.zeros([2, 3]), cs]) as Tensor).array(), expected)
  })
  for (const batchShape of [[null], [2]]) {
    const inputs = {
      x: Input({ batchShape: [...batchShape, null, 3] }),
      c: Input({ batchShape: [...batchShape, 3] }),
    }
    const outputs = new RNN({ cell }).apply(inputs.x, { constants: [inputs.c] }) as SymbolicTensor
    using model = new Model({ inputs, outputs })
    near(model.predict({ x: data, c: rows }).array(), expected)
    using stream = model.stream({ batch: 2, inputs: { c: rows } })
    let y: Float32Array = new Float32Array(0)
    for (let t = 0; t < 4; t++) y = stream.step(Float32Array.from(data.flatMap(row => row[t]!)))
    near([...y], expected.flat())
  }
})

test('a sequence inside a step', () => {
  const inner = new RNN({ cell: plain })
  const cell = {
    stateSize: 5,
    call: (x: Tensor, [h]: [Tensor]) => {
      // three equal steps from the state of the outer cell
      const steps = ops.stack([x, x, x], 1)
      const o = inner.apply(steps, { initialState: [h] }) as Tensor
      return [o, [o]]
    },
  }
  using layer = new RNN({ cell })
  using flat = new RNN({ cell: plain })
  scope(() => {
    const tripled = x.map(row => row.flatMap(step => [step, step, step]))
    assert.equal((layer.apply(x) as Tensor).array(), (flat.apply(tripled) as Tensor).array())
    assert.equal(
      (layer.apply(x, { mask }) as Tensor).array(),
      (flat.apply(tripled, { mask: mask.map(row => row.flatMap(m => [m, m, m])) }) as Tensor).array(),
    )
  })
})

test('inputs and outputs in objects', () => {
  class Pair extends RNNCell {
    kernel!: Tensor
    constructor() {
      super()
      this.stateSize = 2
    }
    override build({ a }: never) {
      this.kernel = this.addWeight({ shape: [(a as number[]).at(-1), 2] })
    }
    override call({ a, b }: { a: Tensor; b: Tensor }, [h]: [Tensor]) {
      const o = ops.add(h, ops.multiply(ops.dot(a, this.kernel), b))
      return [{ last: o, twice: ops.multiply(o, 2) }, [o]]
    }
  }
  const [a, b] = [sequences(2, 3, 4), sequences(2, 3, 1, 9)]
  using layer = new RNN({ cell: new Pair(), goBackwards: true })
  scope(() => {
    const y = layer.apply({ a, b }) as unknown as { last: Tensor; twice: Tensor }
    const kernel = layer.getWeights()[0]!.array() as number[][]
    const expected = a.map((row, s) =>
      [0, 1].map(u =>
        row.reduce(
          (sum, step, t) => sum + b[s]![t]![0]! * step.reduce((z, v, i) => z + v * kernel[i]![u]!, 0),
          0,
        ),
      ),
    )
    near(y.last.array(), expected)
    near(y.twice.array(), ops.multiply(y.last, 2).array())
  })
  const inputs = { a: Input({ shape: [null, 4] }), b: Input({ shape: [null, 1] }) }
  using model = new Model({ inputs, outputs: new RNN({ cell: new Pair() }).apply(inputs) as never })
  assert.equal((model.predict({ a, b }) as unknown as { last: NdArray }).last.shape, [2, 2])
})

test('a Sequential of custom and built-in cells, with fixed batch, predicts and streams', () => {
  const cells: RNNCell[] = [new MinimalRNNCell(4), new MinimalRNNCell(3)]
  using model = new Sequential([
    new RNN({ cell: cells, batchInputShape: [batch, null, features], returnSequences: true }),
    new LSTM({ units: 2, returnSequences: true }),
  ])
  const whole = model.predict(x).array() as number[][][]
  using stream = model.stream()
  for (let t = 0; t < time; t++) {
    const y = stream.step(Float32Array.from(x.flatMap(row => row[t]!)))
    assert.equal(y, Float32Array.from(whole.flatMap(row => row[t]!)))
  }
})

test.run()
