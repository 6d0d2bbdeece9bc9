/** What holds for every cell that users write, as for the built-in ones. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  type Cell,
  Input,
  LSTMCell,
  Model,
  type NdArray,
  ops,
  RNN,
  type SymbolicTensor,
  scope,
  type Tensor,
} from '../../ts/entry/api.js'
import { balanced } from '../engine/support.js'
import { sequences } from '../support/random.js'
import { MatrixCell, MinimalRNNCell, OpsLSTMCell, plain } from './support.js'

const features = 5
const [batch, time] = [3, 6]
const x = sequences(batch, time, features)
const mask = [
  [true, true, true, true, true, true],
  [true, true, true, false, false, false],
  [false, false, true, true, false, false],
]

const mixing = {
  stateSize: 5,
  call: (x: Tensor, [h]: [Tensor]) => {
    const o = ops.tanh(ops.add(ops.subtract(x, ops.mean(x, 0)), ops.subtract(h, ops.mean(h, 0))))
    return [ops.multiply(o, 2), [o]]
  },
}

const running = {
  stateSize: 5,
  call: (x: Tensor, [h]: [Tensor]) => {
    const o = ops.tanh(ops.add(ops.cumsum(x, 1), ops.multiply(h, 0.7)))
    return [ops.multiply(o, 2), [o]]
  },
}

const kinds: Record<string, () => Cell | readonly Cell[]> = {
  minimal: () => new MinimalRNNCell(7),
  'plain object': () => plain,
  'LSTM in ops': () => new OpsLSTMCell(4),
  'states of more axes': () => new MatrixCell(),
  'rows mixed': () => mixing,
  'a sequence in the step': () => running,
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
    if (name === 'rows mixed') return
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
    if (name === 'rows mixed') return
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

test.run()
