/** States that are carried from call to call: set, reset, read, refused. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  ArgumentError,
  Bidirectional,
  GRU,
  GRUCell,
  Input,
  LSTM,
  LSTMCell,
  Masking,
  Model,
  type NdArray,
  RNN,
  Sequential,
  ShapeError,
  StateError,
  scope,
  type Tensor,
  tensor,
} from '../../ts/entry/api.js'
import { balanced, fails } from '../engine/support.js'
import { kinds } from '../support/layers.js'
import { matrix, sequences } from '../support/random.js'

const [batch, features, units] = [2, 3, 4]
const x = sequences(batch, 9, features)
const part = (from: number, to: number) => x.map(sequence => sequence.slice(from, to))
const read = (fn: () => unknown) => scope(() => [fn()].flat(9).map(value => (value as Tensor).array()))
const zeros = matrix(batch, units).map(row => row.map(() => 0))

for (const { name, make } of kinds) {
  test(`${name}: calls go on from each other, bit for bit`, () =>
    balanced(() => {
      using whole = make(units, { returnSequences: true, returnState: true })
      using split = make(units, { returnSequences: true, returnState: true, stateful: true })
      const [outputs, ...states] = read(() => whole.apply(x)) as number[][][][]
      split.build([batch, null, features])
      split.setWeights(whole.getWeights())
      for (let round = 0; round < 2; round++) {
        const parts = [part(0, 4), part(4, 5), part(5, 9)].map(each => read(() => split.apply(each)))
        assert.equal(
          x.map((_, b) => parts.flatMap(([sequence]) => (sequence as number[][][])[b]!)),
          outputs,
        )
        assert.equal(parts[2]!.slice(1), states)
        const kept = [split.states].flat() as NdArray[]
        assert.equal(
          kept.map(state => state.array()),
          states,
        )
        split.resetStates()
      }
    }))

  test(`${name}: an explicit initialState is used, and carried on from`, () => {
    using layer = make(units, { returnState: true, stateful: true })
    const first = read(() => layer.apply(part(0, 4)))
    const given = [layer.states].flat() as NdArray[]
    const second = read(() => layer.apply(part(4, 9)))
    read(() => layer.apply(x))
    assert.equal(
      read(() => layer.apply(part(4, 9), { initialState: given })),
      second,
    )
    layer.resetState(given)
    assert.equal(
      read(() => layer.apply(part(4, 9))),
      second,
    )
    layer.resetStates()
    assert.equal(
      read(() => layer.apply(part(0, 4))),
      first,
    )
  })
}

test('states are null before there is a batch, and have the structure of stateSize', () => {
  using gru = new GRU({ units, stateful: true })
  assert.is(gru.states, null)
  using lstm = new LSTM({ units, stateful: true })
  assert.equal(lstm.states, [null, null])
  using stack = new RNN({ cell: [new LSTMCell({ units }), new GRUCell({ units })], stateful: true })
  assert.equal(stack.states, [[null, null], null])
  stack.build([batch, null, features])
  const [[h], s] = stack.states as [[NdArray, NdArray], NdArray]
  assert.equal([h.array(), s.array()], [zeros, zeros])
  using stateless = new LSTM({ units })
  read(() => stateless.apply(x))
  assert.equal(stateless.states, [null, null])
})

test('resets with values: structures, flat lists, bare numbers; nothing is changed when one does not fit', () => {
  const [h, c] = [matrix(batch, units, 3), matrix(batch, units, 4)]
  using lstm = new LSTM({ units, stateful: true, name: 'memory' })
  lstm.build([batch, null, features])
  using state = tensor(c)
  lstm.resetStates([h, state])
  const values = () => [lstm.states].flat().map(each => (each as NdArray).array())
  const kept = values()
  assert.equal(
    kept,
    [h, c].map(rows => rows.map(row => row.map(Math.fround))),
  )
  lstm.resetStates([Float32Array.from(h.flat()), Float32Array.from(c.flat())])
  assert.equal(values(), kept)
  const error = fails(() => lstm.resetStates([h]), ArgumentError, /memory has 2 states but was given 1/)
  assert.is(error.argument, 'states')
  fails(() => lstm.resetStates([h, matrix(batch, units + 1)]), ShapeError, /memory.*state 1/)
  fails(() => lstm.resetStates([matrix(1, units), c]), ShapeError, /state 0/)
  assert.equal(values(), kept)
  using gru = new GRU({ units, stateful: true })
  gru.build([batch, null, features])
  gru.resetStates(h)
  assert.equal((gru.states as NdArray).array(), kept[0]!)
})

test('what is not stateful, or has no batch yet, says so', () => {
  using stateless = new GRU({ units, name: 'memory' })
  const error = fails(() => stateless.resetStates(), StateError, /memory.*not stateful/)
  assert.is(error.layer, 'memory')
  using stateful = new GRU({ units, stateful: true })
  fails(() => stateful.resetStates(), StateError, /batch size/)
  fails(() => stateful.build([null, null, features]), StateError, /batchInputShape/)
  fails(() => stateful.apply(Input({ shape: [null, features] })), StateError, /batch size/)
  assert.is(stateful.built, false)
})

test('with a shape of its own a layer can be set before it is called', () => {
  const options = { units, stateful: true, batchInputShape: [batch, null, features] }
  using gru = new GRU(options)
  gru.resetStates(matrix(batch, units))
  assert.equal((gru.states as NdArray).shape, [batch, units])
  using both = new Bidirectional({ layer: new GRU(options) })
  both.resetStates()
  assert.equal(
    (both.states as NdArray[]).map(state => state.array()),
    [zeros, zeros],
  )
})

test('an unbuilt layer takes the batch of its first call, and keeps it', () => {
  using layer = new GRU({ units, stateful: true })
  read(() => layer.apply(x))
  fails(() => layer.apply(sequences(batch + 1, 4, features)), ShapeError, /2 in axis 0, not \[3/)
  assert.equal((layer.states as NdArray).shape, [batch, units])
})

test('the same layer twice in a model goes on where it left', () =>
  balanced(() => {
    using layer = new GRU({ units, stateful: true, returnSequences: true })
    const [a, b] = [0, 1].map(() => Input({ batchShape: [batch, null, features] }))
    using model = new Model({ inputs: [a!, b!], outputs: [layer.apply(a!), layer.apply(b!)] })
    const got = model.predict([part(0, 4), part(4, 9)]).map(output => output.array()) as number[][][][]
    layer.resetStates()
    const [expected] = read(() => layer.apply(x)) as number[][][][]
    assert.equal(
      x.map((_, i) => [...got[0]![i]!, ...got[1]![i]!]),
      expected,
    )
  }))

const memory = (options = {}) =>
  new Sequential([
    new Masking({ batchInputShape: [batch, null, features] }),
    new LSTM({ units, stateful: true, returnSequences: true, name: 'lower', ...options }),
    new GRU({ units, stateful: true, name: 'upper' }),
  ])

test('models: states go from batch to batch, from call to call, and are reset by name', () =>
  balanced(() => {
    using model = memory()
    assert.is(model.stateful, true)
    const once = model.predict(x).array()
    assert.not.equal(model.predict(x).array(), once)
    model.resetStates()
    assert.equal(model.predict(x).array(), once)

    // rows 0 and 1 of a second batch go on where those of the first one ended
    model.resetStates()
    const both = model.predict([...part(0, 5), ...part(5, 10)].map(rows => [...rows, ...rows].slice(0, 4)))
    model.resetStates()
    const first = model.predict(part(0, 4))
    assert.equal((both.array() as number[][]).slice(0, batch), first.array())

    const [h, c] = [matrix(batch, units, 5), matrix(batch, units, 6)]
    model.resetStates({ lower: [h, c] })
    const upper = model.getLayer('upper') as GRU
    assert.equal((upper.states as NdArray).array(), zeros)
    const lower = model.getLayer('lower') as LSTM
    assert.equal(
      ((lower.states as NdArray[])[1] as NdArray).array(),
      c.map(row => row.map(Math.fround)),
    )
    fails(() => model.resetStates({ lover: [h, c] }), ArgumentError, /did you mean "lower"/)
    fails(() => model.resetStates({ masking: h }), StateError, /not stateful/)
    fails(() => model.resetStates([h] as never), ArgumentError, /states/)
    fails(() => model.resetStates({ lower: [h, c], upper: [h, c] }), ArgumentError, /upper has 1 state/)
  }))

test('models: the batch is fixed', () => {
  using model = memory()
  fails(() => model.predict(sequences(3, 4, features)), ShapeError, /fixed batch 2 divides/)
  const error = fails(() => model.predict(x, { batchSize: 1 }), ArgumentError, /fixed batch/)
  assert.is(error.argument, 'batchSize')
  model.predict(x, { batchSize: batch })
})

test('models without a shape take the batch of the first data', () => {
  const make = () => new Sequential([new GRU({ units, stateful: true })])
  using model = make()
  fails(() => model.resetStates(), StateError, /batch size/)
  model.predict(x)
  assert.equal(model.batchInputShape, [batch, null, features])
  using split = make()
  split.predict(sequences(6, 4, features), { batchSize: 3 })
  assert.equal(split.batchInputShape, [3, null, features])
})

test('a batchInputShape with unknown features is completed by the first data', () => {
  using model = new Sequential([new GRU({ units, stateful: true, batchInputShape: [batch, null, null] })])
  assert.is(model.built, false)
  fails(() => model.predict(sequences(3, 4, features)), ShapeError, /./)
  assert.equal(model.predict(x).shape, [batch, units])
  assert.equal(model.batchInputShape, [batch, null, features])
})

test('models that hold no stateful layer have nothing to reset', () => {
  using model = new Sequential([new GRU({ units })])
  assert.is(model.stateful, false)
  model.resetStates()
  model.predict(x)
  model.resetState({})
})

test('models inside models are reset too', () => {
  using model = new Sequential([memory({ name: 'inner_lower' }), new GRU({ units: 1 })].slice(0, 1))
  const once = model.predict(x).array()
  assert.not.equal(model.predict(x).array(), once)
  model.resetStates()
  assert.equal(model.predict(x).array(), once)
  model.resetStates({ sequential: { upper: matrix(batch, units, 3) } })
  fails(() => model.resetStates({ sequential: { uper: 1 } }), ArgumentError, /"upper"/)
})

test('streams and stateful layers never touch each other', () =>
  balanced(() => {
    using model = memory()
    const whole = model.predict(x).array()
    const kept = () => (model.getLayer('upper') as GRU).states as NdArray
    const before = kept().array()
    using stream = model.stream()
    assert.is(stream.batch, batch)
    const steps = x[0]!.map((_, t) => stream.step(x.map(sequence => sequence[t]!)).slice())
    assert.equal([...steps.at(-1)!], (whole as number[][]).flat())
    assert.equal(kept().array(), before)
    const states = stream.getStates()
    model.resetStates()
    model.predict(x)
    assert.equal(JSON.stringify(stream.getStates()), JSON.stringify(states))
    assert.equal(kept().array(), before)
  }))

test('a run that fails changes no state', () => {
  using model = memory()
  model.predict(x)
  const kept = ((model.getLayer('upper') as GRU).states as NdArray).array()
  fails(() => model.predict(sequences(batch, 4, features + 1)), ShapeError, /./)
  assert.equal(((model.getLayer('upper') as GRU).states as NdArray).array(), kept)
})

test.run()
