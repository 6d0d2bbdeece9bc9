/** Cells that users write: run over time inside the engine, as the built-in ones. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  type Cell,
  GRU,
  Input,
  LSTM,
  LSTMCell,
  layerRnn,
  Model,
  type NdArray,
  ops,
  RNN,
  type RNNCell,
  Sequential,
  SimpleRNN,
  type SymbolicTensor,
  scope,
  type Tensor,
} from '../../ts/entry/api.js'
import { balanced, near } from '../engine/support.js'
import { numbers, sequences } from '../support/random.js'
import { CountingCell, MatrixCell, MinimalRNNCell, OpsLSTMCell } from './support.js'

const features = 5
const [batch, time] = [3, 6]
const x = sequences(batch, time, features)
const mask = [
  [true, true, true, true, true, true],
  [true, true, true, false, false, false],
  [false, false, true, true, false, false],
]

const plain = {
  stateSize: 5,
  call: (x: Tensor, [h]: [Tensor]) => {
    const o = ops.tanh(ops.add(x, ops.multiply(h, 0.7)))
    return [o, [o]]
  },
}

const kinds: Record<string, () => Cell | readonly Cell[]> = {
  minimal: () => new MinimalRNNCell(7),
  'plain object': () => plain,
  'LSTM in ops': () => new OpsLSTMCell(4),
  'states of more axes': () => new MatrixCell(),
  'stack of both': () => [plain, new LSTMCell({ units: 3 }), new MinimalRNNCell(6), new OpsLSTMCell(2)],
}

type Options = {
  goBackwards?: boolean
  unroll?: boolean
  zeroOutputForMask?: boolean
  returnSequences?: boolean
}

/** A layer of a new cell; with the weights of another. */
function make(cell: () => Cell | readonly Cell[], options: Options = {}, weights?: readonly NdArray[]) {
  const layer = new RNN({ cell: cell(), returnSequences: true, returnState: true, ...options } as {
    cell: Cell
  })
  if (weights) {
    layer.build([null, options.unroll ? time : null, features])
    layer.setWeights(weights)
  }
  return layer
}

/** Everything that a layer gives for data, as arrays. */
function run(layer: RNN, data: unknown, options: object = {}): unknown[] {
  return scope(() => {
    const results: unknown = layer.apply(data as number[][][], options)
    const read = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(read)
        : (value as Tensor).array !== undefined
          ? (value as Tensor).array()
          : Object.values(value as object).map(read)
    return read(results) as unknown[]
  })
}

for (const [name, cell] of Object.entries(kinds)) {
  const laws = (what: string, fn: (layer: RNN) => void) =>
    test(`${name}: ${what}`, () =>
      balanced(() => {
        const layer = make(cell)
        layer.build([null, null, features])
        fn(layer)
        layer.dispose()
      }))
  const other = (layer: RNN, options: Options, fn: (other: RNN) => void) => {
    const made = make(cell, options, layer.getWeights())
    fn(made)
    made.dispose()
  }

  laws('step by step in an unrolled sequence', layer => {
    other(layer, { unroll: true }, unrolled => {
      assert.equal(run(unrolled, x), run(layer, x))
      assert.equal(run(unrolled, x, { mask }), run(layer, x, { mask }))
    })
    other(layer, { unroll: true, goBackwards: true, zeroOutputForMask: true }, unrolled => {
      other(layer, { goBackwards: true, zeroOutputForMask: true }, rolled => {
        assert.equal(run(unrolled, x, { mask }), run(rolled, x, { mask }))
      })
    })
  })

  laws('a row has the bits that it has alone', layer => {
    const [all] = run(layer, x) as [unknown[]]
    for (const [i, row] of x.entries()) assert.equal((run(layer, [row])[0] as unknown[])[0], all[i])
  })

  laws('a stream has the bits of the sequence, blocks too', layer => {
    const input = Input({ shape: [null, features] })
    const [sequence] = layer.apply(input) as unknown as [SymbolicTensor]
    const model = new Model({ inputs: input, outputs: sequence })
    const whole = model.predict(x).array() as number[][][]
    const stream = model.stream({ batch })
    const flat = (steps: number[][][]) => Float32Array.from(steps.flat(2))
    const at = (from: number, to: number) => x.map(row => row.slice(from, to))
    assert.equal(stream.step(flat(at(0, 1))), flat(whole.map(row => row.slice(0, 1))))
    assert.equal(stream.steps(flat(at(1, 4))), flat(whole.map(row => row.slice(1, 4))))
    const copy = stream.clone()
    for (const each of [stream, copy])
      assert.equal(each.step(flat(at(4, 5))), flat(whole.map(row => row.slice(4, 5))))
    stream.resetStates()
    assert.equal(stream.step(flat(at(0, 1))), flat(whole.map(row => row.slice(0, 1))))
    for (const each of [stream, copy, model]) each.dispose()
  })

  laws('a masked stream has the bits of the masked sequence', layer => {
    const input = Input({ shape: [null, features] })
    const [sequence] = layer.apply(input) as unknown as [SymbolicTensor]
    const model = new Model({ inputs: input, outputs: sequence })
    const whole = model.predict(x, { mask }).array() as number[][][]
    const stream = model.stream({ batch })
    for (let t = 0; t < time; t++) {
      const step = Float32Array.from(x.flatMap(row => row[t]!))
      const masked = mask.map(row => row[t]!)
      // steps that count for all go without a mask: the memory of the output is kept by both
      const y = masked.every(Boolean) ? stream.step(step) : stream.step(step, null, { mask: masked })
      assert.equal(y, Float32Array.from(whole.flatMap(row => row[t]!)), `step ${t}`)
    }
    stream.dispose()
    model.dispose()
  })

  laws('padding changes nothing, and a NaN in it reaches nothing', layer => {
    const [outputs, ...states] = run(layer, x, { mask }) as [number[][][], ...unknown[]]
    const poisoned = x.map((row, b) =>
      row.map((step, t) => (mask[b]![t] ? step : step.map(() => Number.NaN))),
    )
    assert.equal(run(layer, poisoned, { mask }), [outputs, ...states])
    const [trimmed] = run(layer, [x[1]!.slice(0, 3)]) as [number[][][]]
    assert.equal(outputs[1]!.slice(0, 3), trimmed[0])
    assert.equal(outputs[1]![5], trimmed[0]![2], 'masked steps repeat the last output')
    assert.ok(
      outputs[2]![0]!.every(value => value === 0),
      'zeros before the first step that counts',
    )
    const [inner] = run(layer, [x[2]!.slice(2, 4)]) as [number[][][]]
    assert.equal(outputs[2]!.slice(2, 4), inner[0])
  })

  laws('backwards is forwards over the reversed sequence', layer => {
    const reversed = x.map(row => [...row].reverse())
    const turned = mask.map(row => [...row].reverse())
    other(layer, { goBackwards: true }, backwards => {
      assert.equal(run(backwards, x), run(layer, reversed))
      assert.equal(run(backwards, x, { mask }), run(layer, reversed, { mask: turned }))
    })
  })

  laws('states of one call start the next', layer => {
    const [all, ...last] = run(layer, x) as [number[][][], ...unknown[]]
    const first = scope(() => {
      const [, ...states] = layer.apply(x.map(row => row.slice(0, 2))) as Tensor[]
      const single = layer.cell.stateSize instanceof Object && !Array.isArray(layer.cell.stateSize)
      const [outputs, ...after] = layer.apply(
        x.map(row => row.slice(2)),
        {
          initialState: (single ? states[0] : states) as never,
        },
      ) as Tensor[]
      const read = (value: unknown): unknown =>
        (value as Tensor).array ? (value as Tensor).array() : Object.values(value as object).map(read)
      return [outputs!.array(), ...after.map(read)]
    })
    assert.equal(first, [all.map(row => row.slice(2)), ...last])
  })

  laws('the last output alone', layer => {
    const [all] = run(layer, x) as [number[][][]]
    other(layer, { returnSequences: false }, last => {
      assert.equal(
        run(last, x)[0],
        all.map(row => row.at(-1)),
      )
    })
  })
}

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
