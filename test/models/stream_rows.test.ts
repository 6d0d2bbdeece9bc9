/** Rows of a stream: added, removed, reset, saved and loaded. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  ArgumentError,
  createEngine,
  Dense,
  DisposedError,
  GRU,
  ImportError,
  Input,
  type LayerRnnError,
  LSTM,
  Masking,
  MemoryError,
  Model,
  ops,
  Sequential,
  ShapeError,
  StateError,
  type Stream,
} from '../../ts/entry/api.js'
import { balanced, fails } from '../engine/support.js'
import { numbers } from '../support/random.js'

const make = (units = 4) =>
  new Sequential(
    [
      new Masking({ inputShape: [null, 3] }),
      new LSTM({ units, returnSequences: true }),
      new GRU({ units: 3, returnSequences: true }),
      new Dense({ units: 2 }),
    ],
    { name: 'm' },
  )

/** Step t of sequence s. */
const frameOf = (s: number, t: number) => numbers(3, 1 + 100 * s + t)

/** What one sequence alone gives at each step. */
function alone(model: Model, s: number, steps: number): number[][] {
  using stream = model.stream()
  return Array.from({ length: steps }, (_, t) => [...(stream.step(frameOf(s, t)) as Float32Array)])
}

/** One step of the rows that hold these sequences, each at its own time. */
function stepRows(stream: Stream, places: (readonly [s: number, t: number] | undefined)[]): number[][] {
  const frame = new Float32Array(3 * stream.batch).fill(Number.NaN) // the places of removed rows
  places.forEach((place, row) => {
    if (place) frame.set(frameOf(...place), 3 * row)
  })
  const output = [...(stream.step(frame) as Float32Array)]
  return places.map((_, row) => output.slice(2 * row, 2 * row + 2))
}

test('rows come and go; each has the bits of its sequence alone', () =>
  balanced(() => {
    using model = make() as unknown as Model
    using stream = model.stream() as Stream
    const expected = [0, 1, 2, 3].map(s => alone(model, s, 6))
    assert.equal(stepRows(stream, [[0, 0]]), [expected[0]![0]])
    assert.is(stream.addRow(), 1)
    assert.is(stream.addRow(), 2)
    assert.equal([stream.batch, stream.rows], [3, [0, 1, 2]])
    assert.equal(stepRows(stream, [[0, 1], [1, 0], [2, 0]]), [expected[0]![1], expected[1]![0], expected[2]![0]]) // biome-ignore format: one line
    stream.removeRow(1)
    assert.equal([stream.batch, stream.rows], [3, [0, 2]])
    const [first, , last] = stepRows(stream, [[0, 2], undefined, [2, 1]])
    assert.equal([first, last], [expected[0]![2], expected[2]![1]])
    assert.is(stream.addRow(), 1) // starts anew, whatever the place held
    assert.equal(
      stepRows(stream, [
        [0, 3],
        [3, 0],
        [2, 2],
      ])[1],
      expected[3]![0],
    )
    stream.resetRow(2)
    assert.equal(stepRows(stream, [[0, 4], [3, 1], [1, 0]]), [expected[0]![4], expected[3]![1], expected[1]![0]]) // biome-ignore format: one line
    stream.removeRow(1)
    stream.removeRow(2)
    assert.equal([stream.batch, stream.rows], [1, [0]])
    assert.equal(stepRows(stream, [[0, 5]]), [expected[0]![5]])
    stream.removeRow(0)
    assert.equal([stream.batch, stream.rows], [1, []])
    assert.is(stream.addRow(), 0)
    assert.equal(stepRows(stream, [[2, 0]]), [expected[2]![0]])
  }))

test('1000 rows, stepped together', () =>
  balanced(() => {
    using model = make() as unknown as Model
    using stream = model.stream() as Stream
    for (let row = 1; row < 1000; row++) assert.is(stream.addRow(), row)
    const places = Array.from({ length: 1000 }, (_, row) => [row % 50, 0] as const)
    const outputs = stepRows(stream, places)
    for (let s = 0; s < 50; s++) {
      const [expected] = alone(model, s, 1)
      for (let row = s; row < 1000; row += 50) assert.equal(outputs[row], expected)
    }
    for (let row = 999; row > 0; row--) stream.removeRow(row)
    assert.is(stream.batch, 1)
  }))

test('rows up to the last byte: what was granted can be stepped, what was refused changed nothing, and every row can go', () => {
  for (let maxBytes = 60_000; maxBytes < 160_000; maxBytes += 3333) {
    const engine = createEngine({ maxBytes })
    engine.use(() => {
      const model = make() as unknown as Model
      const expected = alone(model, 1, 3)
      const stream = model.stream() as Stream
      const places = (t: number) => stream.rows.map(() => [1, t] as const)
      const [first] = stepRows(stream, places(0))
      assert.equal(first, expected[0])
      const saved = stream.saveRow(0)
      let rows = 1
      fails(
        () => {
          for (; rows < 10_000; rows++) assert.is(stream.addRow(), rows)
        },
        MemoryError,
        /^m: .*no memory/,
      )
      assert.ok(rows > 3, `${rows} in ${maxBytes}`)
      assert.equal([stream.batch, stream.rows.length], [rows, rows])
      for (let row = 0; row < rows; row++) stream.loadRow(row, saved)
      fails(() => stream.addRow(), MemoryError, /no memory/)
      assert.equal(stream.saveRow(rows - 1), saved)
      for (const each of stepRows(stream, places(1))) assert.equal(each, expected[1])
      const again = stream.saveRow(0)
      for (; rows > 1; rows--) {
        stream.removeRow(rows - 1)
        if (rows % 7 === 0) assert.equal(stepRows(stream, [[1, 2]])[0], expected[2])
        stream.loadRow(0, again)
      }
      assert.equal([stream.rows, stream.batch], [[0], 1])
      stream.dispose()
      model.dispose()
      const { tensors, programs, calls } = engine.stats()
      assert.equal([tensors, programs, calls], [0, 0, 0])
    })
    engine.dispose()
  }
})

test('a saved row goes on in another stream of another size', () =>
  balanced(() => {
    using model = make() as unknown as Model
    using stream = model.stream({ batch: 2 }) as Stream
    const expected = alone(model, 1, 4)
    stepRows(stream, [[0, 0], [1, 0]]) // biome-ignore format: one line
    stepRows(stream, [[0, 1], [1, 1]]) // biome-ignore format: one line
    const bytes = stream.saveRow(1)
    using other = model.stream({ batch: 3 }) as Stream
    other.loadRow(2, bytes)
    assert.equal(stepRows(other, [[2, 0], [3, 0], [1, 2]])[2], expected[2]) // biome-ignore format: one line
    other.loadRow(0, bytes.slice().buffer as ArrayBuffer)
    assert.equal(stepRows(other, [[1, 2], [3, 1], [1, 3]]), [expected[2], alone(model, 3, 2)[1], expected[3]]) // biome-ignore format: one line
    using copy = other.clone()
    assert.equal(copy.rows, other.rows)
    assert.equal(copy.saveRow(2), other.saveRow(2))
    other.removeRow(1)
    using holes = other.clone()
    assert.equal(holes.rows, [0, 2])
  }))

test('bytes with any bit flipped, cut off, of other models: an error, and nothing is touched', () => {
  using model = make()
  using stream = model.stream()
  stream.step(frameOf(0, 0))
  const bytes = stream.saveRow(0)
  stream.step(frameOf(0, 1))
  const before = stream.saveRow(0)
  const refuses = (wrong: Uint8Array, Class: typeof ImportError | typeof ArgumentError, text: RegExp) => {
    const error: LayerRnnError = fails(() => stream.loadRow(0, wrong), Class as typeof ImportError, text)
    assert.is(error.layer, 'm')
    assert.equal(stream.saveRow(0), before)
  }
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const wrong = bytes.slice()
    wrong[bit >> 3]! ^= 1 << (bit & 7)
    refuses(wrong, ImportError, /damaged or cut off/)
  }
  for (let length = 0; length < bytes.length; length++)
    refuses(bytes.slice(0, length), ImportError, /cut off/)
  refuses(new Uint8Array(bytes.length + 4), ImportError, /damaged/)

  using wider = make(5)
  using twin = make()
  using others = wider.stream()
  using twins = twin.stream()
  refuses(others.saveRow(0), ArgumentError, /saved by a model of another structure/)
  refuses(twins.saveRow(0), ArgumentError, /saved by a model with other weights/)
  twin.setWeights(model.getWeights())
  assert.equal(twins.saveRow(0).length, bytes.length)
  stream.loadRow(0, twins.saveRow(0)) // equal weights are the same weights
  stream.loadRow(0, before)
  assert.equal(stream.saveRow(0), before)
  fails(() => stream.loadRow(0, 'abc' as never), ArgumentError, /bytes/)
})

test('rows that are not there', () => {
  using model = make()
  const stream = model.stream({ batch: 2 })
  stream.removeRow(0)
  for (const use of [
    (row: number) => stream.resetRow(row),
    (row: number) => stream.removeRow(row),
    (row: number) => stream.saveRow(row),
    (row: number) => stream.loadRow(row, new Uint8Array(0)),
  ]) {
    assert.is(fails(() => use(0), StateError, /^m: row 0 has been removed$/).argument, 'row')
    fails(() => use(2), ArgumentError, /there is no row 2; the last one is 1/)
    for (const wrong of [-1, 0.5, Number.NaN, '1' as never])
      fails(() => use(wrong), ArgumentError, /row must be the index of a row/)
  }
  fails(() => stream.addRow({ input: {} } as never), ArgumentError, /did you mean "inputs"/)
  fails(() => stream.addRow({ inputs: { x: 1 } }), ArgumentError, /has no input "x"/)
  stream.dispose()
  fails(() => stream.addRow(), DisposedError, /disposed/)
  fails(() => stream.saveRow(1), DisposedError, /disposed/)
})

test('what is given once has a row too, and states that start from it', () =>
  balanced(() => {
    const [x, memory] = [Input({ shape: [null, 3] }), Input({ shape: [2], name: 'memory' })]
    const from = new Dense({ units: 4 }).apply(memory)
    const hidden = new GRU({ units: 4 }).apply(x, { initialState: [from] })
    using model = new Model({ inputs: [x, memory], outputs: ops.add(hidden, from) }) as unknown as Model
    const whole = (s: number, memory: number[]) => {
      const sequence = [[...frameOf(s, 0)], [...frameOf(s, 1)]]
      return [...(model.predict([[sequence], [memory]]) as unknown as { data: Float32Array }).data]
    }
    using stream = model.stream({ inputs: { memory: [[1, 2]] } }) as Stream
    const error = fails(
      () => stream.addRow(),
      ArgumentError,
      /a new row needs the input "memory".*addRow\(\{ inputs \}\)/,
    )
    assert.is(error.argument, 'memory')
    fails(() => stream.addRow({ inputs: { memory: [[1, 2, 3]] } }), ShapeError, /memory/)
    assert.is(stream.batch, 1)
    stream.addRow({ inputs: { memory: [[3, -4]] } })
    const step = (t: number) => [
      ...(stream.step(Float32Array.of(...frameOf(0, t), ...frameOf(1, t))) as Float32Array),
    ]
    const [first, second] = [step(0), step(1)]
    assert.equal(second.slice(0, 4), whole(0, [1, 2]))
    assert.equal(second.slice(4), whole(1, [3, -4]))
    const bytes = stream.saveRow(1)
    stream.resetRow(1)
    assert.equal(step(0).slice(4), first.slice(4))
    using other = model.stream({ inputs: { memory: [[0, 0]] } }) as Stream
    other.loadRow(0, bytes)
    assert.equal(other.saveRow(0), bytes)
    using copy = stream.clone()
    assert.equal(copy.saveRow(0), stream.saveRow(0))
  }))

test.run()
