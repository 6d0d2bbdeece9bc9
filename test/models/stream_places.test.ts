/** Streams of any number of rows: places without a row, copies, what an engine's limits and its end mean for them. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  ArgumentError,
  createEngine,
  Dense,
  DisposedError,
  Embedding,
  GRU,
  Input,
  LSTM,
  MemoryError,
  Model,
  ops,
  RNN,
  RNNCell,
  Sequential,
  type Stream,
  type Tensor,
  tensor,
} from '../../ts/entry/api.js'
import { balanced, fails } from '../engine/support.js'
import { numbers } from '../support/random.js'
import { milliseconds } from '../support/time.js'

test('more rows than there is memory for, or than can be counted', () => {
  const engine = createEngine({ maxBytes: 1e6 })
  engine.use(() => {
    using model = new Sequential([new LSTM({ units: 2, inputShape: [null, 2] })], { name: 'm' })
    for (const batch of [2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53, 1e300]) {
      const error = fails(() => model.stream({ batch }), ArgumentError, /^m: batch must be .*2147483647/)
      assert.is(error.argument, 'batch')
    }
    using stream = model.stream()
    const start = process.cpuUsage()
    for (const batch of [2 ** 25 + 1, 2 ** 29, 2 ** 31 - 1])
      balanced(() => fails(() => model.stream({ batch }), MemoryError, /^m: .*no memory/), engine)
    assert.ok(milliseconds(start) < 1000)
    assert.is(stream.step([1, 2]).length, 2)
  })
  engine.dispose()
})

const words = () =>
  new Sequential([
    new Embedding({ inputDim: 10, outputDim: 3, inputShape: [null] }),
    new GRU({ units: 4, returnSequences: true }),
  ])

test('ids in the place of a removed row may be any numbers, in every form of a frame or block', () =>
  balanced(() => {
    using model = words()
    using whole = model.stream({ batch: 3 })
    using stream = model.stream({ batch: 3 })
    stream.removeRow(1)
    const [first, second] = [whole.step([1, 0, 2]).slice(), whole.steps([[3, 4], [0, 0], [5, 6]]).slice()] // biome-ignore format: one line
    const live = (output: Float32Array, n = 1) => [output.slice(0, 4 * n), output.slice(8 * n, 12 * n)]
    const frames = [
      Int32Array.of(1, 99, 2),
      Float32Array.of(1, Number.NaN, 2),
      [1, Number.NaN, 2],
      [[1], [-0.5], [2]],
    ]
    const blocks = [
      Int32Array.of(3, 4, 99, -1, 5, 6),
      Float64Array.of(3, 4, Number.NaN, 1e30, 5, 6),
      [[3, 4], [Number.NaN, 0.5], [5, 6]], // biome-ignore format: one line
    ]
    for (const frame of frames) {
      for (const block of blocks) {
        stream.resetStates()
        assert.equal(live(stream.step(frame)), live(first))
        assert.equal(live(stream.steps(block), 2), live(second, 2))
      }
    }
    stream.resetStates()
    ;(stream.input as unknown as Int32Array).set([1, 99, 2])
    assert.equal(live(stream.step()), live(first))
    for (const wrong of [[1, 0, Number.NaN], Int32Array.of(1, 99, 99), Float64Array.of(0.5, 0, 0)])
      fails(() => stream.step(wrong), ArgumentError, /no 32-bit integer|index 99 is not in 0 … 9/)
    assert.is(stream.addRow(), 1)
    fails(() => stream.step(frames[0]!), ArgumentError, /index 99/)
  }))

/** Every row meets the mean of all. */
class Mixing extends RNNCell {
  override stateSize = 3

  override call(x: Tensor, [h]: Tensor[]) {
    const next = ops.add(ops.multiply(h!, 0.5), ops.add(x, ops.mean(ops.add(x, h!), 0, true)))
    return [next, [next]]
  }
}

test('a removed row is one of zeros to a cell that mixes rows', () =>
  balanced(() => {
    using model = new Sequential([new RNN({ cell: new Mixing(), inputShape: [null, 3] })])
    using stream = model.stream({ batch: 4 })
    using zeros = model.stream({ batch: 4 })
    const frame = numbers(12)
    stream.step(frame)
    zeros.step(frame)
    for (const row of [1, 2]) {
      stream.removeRow(row)
      zeros.resetRow(row)
    }
    const nans = { rnn: [[1, 2, 3], [0, 0, 0], [0, 0, 0], [4, 5, 6]].map(row => (row[0] ? row : row.map(() => Number.NaN))) } // biome-ignore format: one line
    for (let t = 0; t < 4; t++) {
      const expected = zeros.step(numbers(12, t).fill(0, 3, 9))
      const output = stream.step(numbers(12, t).fill(Number.NaN, 3, 9))
      for (const row of [0, 3])
        assert.equal(output.slice(3 * row, 3 * row + 3), expected.slice(3 * row, 3 * row + 3))
      if (t > 0) continue
      stream.setStates(nans)
      zeros.setStates({ rnn: nans.rnn.map(row => row.map(value => value || 0)) })
    }
  }))

/** What is given once, and the rows that start from it. */
function given() {
  const [x, memory] = [Input({ shape: [null, 3] }), Input({ shape: [2], name: 'memory' })]
  const from = new Dense({ units: 4 }).apply(memory)
  return new Model({ inputs: [x, memory], outputs: new GRU({ units: 4 }).apply(x, { initialState: [from] }) })
}

test('a clone needs nothing of what its stream was made from', () =>
  balanced(() => {
    using model = given()
    const array = Float32Array.of(1, 2, 3, 4)
    const memory = tensor([[1, 2], [3, 4]]) // biome-ignore format: one line
    const options = { batch: 2, inputs: { memory: array as Float32Array | Tensor } }
    using one = model.stream(options)
    options.inputs.memory = memory
    using other = model.stream(options)
    structuredClone(array, { transfer: [array.buffer] })
    memory.dispose()
    Object.assign(options, { batch: 5, inputs: 'none' })
    for (const stream of [one, other] as unknown as Stream[]) {
      stream.step(numbers(6))
      stream.removeRow(0)
      using copy = stream.clone()
      using again = copy.clone()
      assert.equal([again.rows, again.batch], [[1], 2])
      assert.equal(again.saveRow(1), stream.saveRow(1))
      const expected = (stream.step(numbers(6, 2)) as Float32Array).slice(4)
      assert.equal((again.step(numbers(6, 2)) as Float32Array).slice(4), expected)
      assert.is(copy.addRow({ inputs: { memory: [[5, 6]] } }), 0)
      copy.resetRow(1)
      stream.resetRow(1)
      assert.equal(copy.saveRow(1), stream.saveRow(1))
    }
  }))

test('the restart of its engine disposes a stream', () => {
  const engine = createEngine()
  engine.use(() => {
    const model = words()
    const stream = model.stream({ batch: 2 })
    const bytes = stream.saveRow(0)
    assert.not(stream.disposed)
    engine.restart()
    assert.ok(stream.disposed)
    for (const use of [
      () => stream.removeRow(0),
      () => stream.saveRow(0),
      () => stream.loadRow(1, bytes),
      () => stream.resetRow(0),
      () => stream.addRow(),
      () => stream.clone(),
      () => stream.getStates(),
      () => stream.setStates({}),
      () => stream.resetStates(),
      () => stream.step([1, 2]),
      () => stream.steps([[1, 2], [3, 4]]), // biome-ignore format: one line
      () => stream.input,
      () => stream.output,
    ])
      fails(use, DisposedError, new RegExp(`^a stream of ${model.name} has been disposed$`))
    stream.dispose()
  })
  engine.dispose()
})

test.run()
