import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  ArgumentError,
  GRU,
  GRUCell,
  Input,
  type LayerRnnError,
  LSTM,
  LSTMCell,
  Model,
  RNN,
  Sequential,
  ShapeError,
} from '../../ts/entry/api.js'
import { fails } from '../engine/support.js'
import { numbers } from '../support/random.js'

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

test.run()
