import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  ArgumentError,
  Dense,
  Embedding,
  GRU,
  GRUCell,
  Input,
  type LayerRnnError,
  LSTM,
  LSTMCell,
  Model,
  ops,
  RNN,
  Sequential,
  ShapeError,
  UnsupportedError,
} from '../../ts/entry/api.js'
import { balanced, fails } from '../engine/support.js'
import { matrix, numbers, sequences } from '../support/random.js'

test('states: read, set, reset, continued in another stream', () => {
  using model = new Sequential([
    new LSTM({ units: 2, returnSequences: true, inputShape: [null, 3], name: 'memory' }),
    new RNN({ cell: [new GRUCell({ units: 2 }), new LSTMCell({ units: 2 })] }),
  ])
  using stream = model.stream()
  const x = numbers(12)
  stream.steps(x.subarray(0, 6))
  const states = stream.getStates()
  assert.equal(Object.keys(states), ['memory', 'rnn'])
  const [h] = states.memory as unknown as { shape: number[] }[]
  assert.equal(h!.shape, [1, 2])
  assert.is((states.rnn as unknown[]).length, 2)
  const expected = [...stream.steps(x.subarray(6))]
  using other = model.stream()
  other.setStates(states)
  assert.equal([...other.steps(x.subarray(6))], expected)
  stream.resetStates(states)
  assert.equal([...stream.steps(x.subarray(6))], expected)
  stream.resetStates()
  assert.equal([...stream.steps(x)], [...model.predict(x).data])
  fails(() => stream.setStates({ memry: [] }), ArgumentError, /did you mean "memory"/)
  fails(() => stream.setStates({ memory: [[[1, 2]]] }), ArgumentError, /2 states/)
  fails(() => stream.setStates({ memory: [[[1, 2]], [[1, 2, 3]]] }), ShapeError, /./)
  stream.setStates({ memory: [[[1, 2]], [[1, 2]]] })
})

test('states: bare numbers, and what was expected of which', () => {
  const first = new GRU({ units: 2, returnSequences: true, inputShape: [null, 3], name: 'g' })
  using model = new Sequential([first, new LSTM({ units: 2, name: 'l' })])
  using stream = model.stream()
  const read = () => JSON.parse(JSON.stringify(stream.getStates()))
  stream.resetStates({ g: Float32Array.of(1, 2), l: [[1, 2], Float64Array.of(3, 4)] })
  assert.equal(read(), { g: [[1, 2]], l: [[[1, 2]], [[3, 4]]] })
  for (const g of [[5, 6], [[5, 6]], [[[5, 6]]], [Float32Array.of(5, 6)]]) {
    stream.resetStates()
    stream.setStates({ g })
    assert.equal(read().g, [[5, 6]])
  }
  using two = model.stream({ batch: 2 })
  two.setStates({ g: Float32Array.of(1, 2, 3, 4) })
  const cases: [Record<string, unknown>, new (...args: never[]) => LayerRnnError, RegExp][] = [
    [{ g: new Float32Array(7) }, ShapeError, /^g: state 0.* 7 numbers .*\[2, 2\]/],
    [{ l: [[1, 2], [3, 4]] }, ShapeError, /^l: state 0.* \[2, 2\]/], // biome-ignore format: one line
    [{ l: [[[1, 2], [3, 4]], [[1]]] }, ShapeError, /^l: state 1 .*\[2, 2\], not \[1, 1\]/], // biome-ignore format: one line
    [
      { g: [[[1]], [[2]]] },
      ArgumentError,
      /^g has 1 state but was given 2: states must have the shapes \[2, 2\]$/,
    ],
    [{ l: { h: [1], c: [1] } }, ArgumentError, /^l: states must have the shapes \[2, 2\] and \[2, 2\], not/],
    [{ l: [null, [1]] }, ArgumentError, /^l: states must have/],
    [{ g: null }, ArgumentError, /^g: states must have the shapes \[2, 2\], not null/],
  ]
  const before = JSON.stringify(two.getStates())
  for (const [states, kind, message] of cases) {
    const error = fails(() => two.setStates(states as never), kind, message)
    assert.is(error.argument, 'states')
    assert.ok(error.layer === 'g' || error.layer === 'l')
  }
  assert.is(JSON.stringify(two.getStates()), before)
})

test('a layer called twice has states for each call', () => {
  const x = Input({ shape: [null, 2] })
  const layer = new GRU({ units: 2, returnSequences: true })
  using model = new Model({ inputs: x, outputs: layer.apply(layer.apply(x)) })
  using stream = model.stream()
  const data = numbers(8)
  assert.equal([...stream.steps(data)], [...model.predict(data).data])
  assert.equal(Object.keys(stream.getStates()), ['gru', 'gru:1'])
})

test('a stream starts from an initial state that is computed from what is given once', () =>
  balanced(() => {
    const [x, start] = [Input({ shape: [null, 2] }), Input({ shape: [3], name: 'start' })]
    const first = new LSTM({ units: 3, returnSequences: true, name: 'first' }).apply(x, {
      initialState: [start, new Dense({ units: 3 }).apply(start)],
    })
    const hidden = new GRU({ units: 3, returnSequences: true, name: 'next' }).apply(first, {
      initialState: start,
    })
    using model = new Model({ inputs: [x, start], outputs: hidden })
    const [data, from] = [sequences(2, 5, 2), [[1, 2, 3], [-1, 0, 1]]] // biome-ignore format: one line
    const expected = [...model.predict([data, from]).data]
    using stream = model.stream({ batch: 2, inputs: { start: from } })
    using copy = stream.clone()
    const states = JSON.stringify(stream.getStates())
    const [h] = JSON.parse(states).first
    assert.equal(h, from)
    assert.equal(JSON.parse(states).next, from)
    const outputs = data[0]!.map((_, t) => [...stream.step(data.map(rows => rows[t]!))])
    const byRow = [0, 1].flatMap(row => outputs.flatMap(output => output.slice(3 * row, 3 * row + 3)))
    assert.equal(byRow, expected)
    assert.equal([...copy.steps(data)], expected)
    stream.resetStates()
    assert.is(JSON.stringify(stream.getStates()), states)
    stream.resetStates({ next: [[0, 0, 0], [0, 0, 0]] }) // biome-ignore format: one line
    assert.equal(JSON.parse(JSON.stringify(stream.getStates())).first[0], from)
    assert.equal(JSON.parse(JSON.stringify(stream.getStates())).next[0], [0, 0, 0])
  }))

test('a decoder streams after an encoder whose sequence is given once; not while both are stepped', () =>
  balanced(() => {
    const ids = Input({ shape: [null], dtype: 'int32', name: 'ids' })
    const follow = Input({ shape: [null, 2], name: 'follow' })
    const embedded = new Embedding({ inputDim: 9, outputDim: 4, maskZero: true }).apply(ids)
    const [, h, c] = new LSTM({ units: 3, returnState: true, name: 'encoder' }).apply(embedded)
    const inner = [Input({ shape: [null, 2] }), Input({ shape: [3] }), Input({ shape: [3] })] as const
    const decoder = new LSTM({ units: 3, returnSequences: true, name: 'decoder' })
    const decode = new Model({ inputs: inner, outputs: decoder.apply(inner[0], { initialState: [inner[1], inner[2]] }), name: 'decode' }) // biome-ignore format: one line
    const answer = new Dense({ units: 2 }).apply(decode.apply([follow, h, c]))
    const model = new Model({ inputs: { ids, follow }, outputs: answer })
    const [tokens, data] = [[[3, 1, 8, 0]], sequences(1, 4, 2)] // biome-ignore format: one line
    const expected = [...model.predict({ ids: tokens, follow: data }).data]
    const stream = model.stream({ inputs: { ids: tokens } })
    assert.equal(Object.keys(stream.getStates()), ['decode/decoder'])
    assert.equal(
      data[0]!.flatMap(frame => [...stream.step(frame)]),
      expected,
    )
    stream.resetStates()
    assert.equal([...stream.steps(data)], expected)
    const error = fails(
      () => model.stream(),
      UnsupportedError,
      /decoder cannot stream .*stream\(\{ inputs \}\)/,
    )
    assert.is(error.layer, 'decoder')
    assert.is(error.argument, 'initialState')
    stream.dispose()
    model.dispose()
    decode.dispose()
  }))

test('an initial state that is a constant of the model', () =>
  balanced(() => {
    const x = Input({ shape: [null, 2] })
    const gru = new GRU({ units: 3, returnSequences: true })
    using model = new Model({ inputs: x, outputs: ops.tanh(gru.apply(x, { initialState: [[[1, 2, 3]]] })) })
    using stream = model.stream()
    const data = sequences(1, 3, 2)
    assert.equal([...stream.steps(data)], [...model.predict(data).data])
    fails(() => model.stream({ batch: 2 }), ShapeError, /./)
  }))

test('masked steps before the first that counts put out zeros, whatever the states start from', () => {
  const [x, h] = [Input({ shape: [null, 2] }), Input({ shape: [3], name: 'start' })]
  const y = new GRU({ units: 3, returnSequences: true }).apply(x, { initialState: h })
  using model = new Model({ inputs: { x, h }, outputs: y })
  const start = [[5, -6, 7]]
  const frames = matrix(4, 2, 3)
  const mask = [[0, 1, 0, 1]]
  const expected = model.predict({ x: [frames], h: start }, { mask: { x: mask } }).array() as number[][][]
  using stream = model.stream({ inputs: { h: start } })
  for (const reset of [() => {}, () => stream.resetStates(), () => stream.resetStates({ gru: start })]) {
    reset()
    const got = frames.map((frame, t) => [
      ...(mask[0]![t] ? stream.step(frame) : stream.step(frame, null, { mask: [0] })),
    ])
    assert.equal(got, expected[0])
  }
  // what was put out is kept with the row, also when only plain steps have been
  const row = stream.saveRow(0)
  stream.resetStates()
  const [first] = [0, 1].map(() => [...stream.step(frames[0]!)])
  using copy = stream.clone()
  assert.equal([...copy.step(frames[0]!, null, { mask: [0] })], [...stream.output])
  stream.resetRow(0)
  assert.equal([...stream.step(frames[0]!, null, { mask: [0] })], [0, 0, 0])
  assert.equal([...stream.step(frames[0]!)], first)
  stream.loadRow(0, row)
  // states that are set are not put out; what was put out is repeated
  stream.setStates({ gru: start })
  assert.equal([...stream.step(frames[0]!, null, { mask: [0] })], expected[0]!.at(-1))
})

test.run()
