/** Bidirectional, TimeDistributed and the layers of cuDNN. That they compute as Keras is in test/fixtures/recurrent.test.ts. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  type Applicable,
  ArgumentError,
  Bidirectional,
  Dense,
  deserialize,
  Embedding,
  GRU,
  GRUCell,
  Input,
  type Layer,
  LSTM,
  layerBidirectional,
  layerCudnnGru,
  layerCudnnLstm,
  layerGru,
  layerLstm,
  layerTimeDistributed,
  Masking,
  Model,
  type NdArray,
  RNN,
  resetState,
  Sequential,
  ShapeError,
  SimpleRNN,
  StateError,
  type SymbolicTensor,
  scope,
  serialize,
  type Tensor,
  TimeDistributed,
  tensor,
  UnsupportedError,
} from '../../ts/entry/api.js'
import { MinimalRNNCell } from '../cells/support.js'
import { balanced, fails } from '../engine/support.js'
import { matrix, sequences } from '../support/random.js'

const [batch, time, features, units] = [2, 5, 3, 4]
const x = sequences(batch, time, features)
const mask = [
  [true, true, false, true, false],
  [false, true, true, true, true],
]
const read = (fn: () => unknown) => scope(() => [fn()].flat(9).map(value => (value as Tensor).array()))
const reversed = <T>(rows: readonly (readonly T[])[]) => rows.map(row => [...row].reverse())

test('Bidirectional is two layers, one over the reverse, bit for bit', () =>
  balanced(() => {
    const options = { units, returnSequences: true, returnState: true }
    using both = new Bidirectional({ layer: new LSTM(options), mergeMode: null })
    using alone = new LSTM(options)
    alone.build([null, null, features])
    const [a, b, ...states] = read(() => both.apply(x, { mask })) as number[][][][]
    const half = (weights: NdArray[], data: Applicable, own: boolean[][]) => {
      alone.setWeights(weights)
      return read(() => alone.apply(data, { mask: own })) as number[][][][]
    }
    const zeroed = (rows: number[][][], own: boolean[][]) =>
      rows.map((row, i) => row.map((step, t) => (own[i]![t] ? step : step.map(() => 0))))
    const forward = half(both.getWeights().slice(0, 3), x, mask)
    const backward = half(both.getWeights().slice(3), reversed(x), reversed(mask))
    assert.equal(a, zeroed(forward[0]!, mask))
    assert.equal(b, reversed(zeroed(backward[0]!, reversed(mask))))
    assert.equal(states, [...forward.slice(1), ...backward.slice(1)])
  }))

test('Bidirectional: options and names', () => {
  using both = new Bidirectional({
    layer: new LSTM({ units, name: 'memory', returnState: true, trainable: false }),
  })
  assert.is(both.forwardLayer.name, 'forward_memory')
  assert.is(both.backwardLayer.name, 'backward_memory')
  assert.is(both.forwardLayer.goBackwards, false)
  assert.is(both.backwardLayer.goBackwards, true)
  assert.is(both.trainable, false)
  assert.is(both.returnState, true)
  assert.equal(both.stateSize, [units, units, units, units])
  const weights = Array.from({ length: 6 }, (_, i) => [[features, 16], [units, 16], [16]][i % 3]!).map(
    (shape, i) => Array.from({ length: shape.reduce((a, b) => a * b) }, () => i),
  )
  using given = new Bidirectional({
    layer: new LSTM({ units }),
    weights: weights.map(values => Float32Array.from(values)),
  })
  given.build([null, null, features])
  assert.equal(
    given.getWeights().map(weight => weight.data[0]),
    [0, 1, 2, 3, 4, 5],
  )
  assert.is(given.countParams(), 2 * (16 * (features + units) + 16))
})

test('Bidirectional: what does not fit', () => {
  const layer = new LSTM({ units })
  const wrong: [options: object, argument: string, text: RegExp][] = [
    [{ layer: new Dense({ units }) }, 'layer', /a recurrent layer/],
    [{ layer: new GRUCell({ units }) }, 'layer', /a recurrent layer/],
    [{ layer: new Bidirectional({ layer }) }, 'layer', /a recurrent layer/],
    [{ layer: 4 }, 'layer', /a recurrent layer/],
    [{ layer, mergeMode: 'max' }, 'mergeMode', /one of concat, sum, mul, ave/],
    [{ layer, backwardLayer: new LSTM({ units }) }, 'backwardLayer', /another goBackwards/],
    [
      { layer, backwardLayer: new LSTM({ units, goBackwards: true, returnState: true }) },
      'backwardLayer',
      /returnState/,
    ],
    [
      { layer, backwardLayer: new LSTM({ units, goBackwards: true, returnSequences: true }) },
      'backwardLayer',
      /returnSequences/,
    ],
    [
      { layer, backwardLayer: new LSTM({ units, goBackwards: true, stateful: true }) },
      'backwardLayer',
      /stateful/,
    ],
    [{ layer, mergemode: 'sum' }, 'mergemode', /did you mean "mergeMode"/],
    [{}, 'layer', /needs "layer"/],
  ]
  for (const [options, argument, text] of wrong) {
    const error = fails(() => new Bidirectional(options as never), ArgumentError, text)
    assert.is(error.argument, argument)
  }
  using both = new Bidirectional({ layer })
  const h = matrix(batch, units)
  fails(() => both.apply(x, { initialState: [h, h, h] }), ArgumentError, /4 states but was given 3/)
  fails(() => both.apply(x, { initialState: [h, h, h, matrix(1, units)] }), ShapeError, /state 3/)
  fails(() => both.apply(matrix(2, 3)), ShapeError, /3 axes/)
  fails(() => both.resetStates(), StateError, /not stateful/)
  using model = new Sequential([new Bidirectional({ layer, inputShape: [null, features] })])
  fails(() => model.stream(), UnsupportedError, /bidirectional cannot stream/)
})

test('Bidirectional: a cell of which no equal one can be made', () => {
  class Defaulted extends MinimalRNNCell {
    static override readonly className = 'Defaulted'
    constructor({ size = 4 }: { size?: number } = {}) {
      super(size)
    }
  }
  const needed = 'must have getConfig and fromConfig that make an equal one, as docs/custom-cells.md says'
  for (const [cell, text] of [
    [new MinimalRNNCell(4), /: MinimalRNNCell must .* \(RNN: stateSize must be a number/],
    [new Defaulted({ size: 5 }), /: Defaulted must .* \(the copy's stateSize is 4, not 5\)/],
    [[new GRUCell({ units }), new Defaulted({ size: 5 })], /: Defaulted must .* is \[4,4\], not \[4,5\]\)/],
  ] as const) {
    const error = fails(() => new Bidirectional({ layer: new RNN({ cell }) }), ArgumentError, text)
    assert.ok(error.message.startsWith('Bidirectional copies its layer: ') && error.message.includes(needed))
    assert.is(error.argument, 'layer')
    const [layer, backwardLayer] = [new RNN({ cell }), new RNN({ cell, goBackwards: true })]
    fails(() => new Bidirectional({ layer, backwardLayer }), ArgumentError, text) // the forward one is a copy too
  }
  using good = new Bidirectional({ layer: new RNN({ cell: new Defaulted() }) })
  scope(() => assert.equal((good.apply(x) as Tensor).shape, [batch, 8]))
})

test('Bidirectional in models: masks, symbolic states, the states of a stateful one', () =>
  balanced(() => {
    const ids = [
      [1, 2, 0, 3, 0],
      [0, 4, 5, 6, 7],
    ]
    using model = new Sequential([
      new Embedding({ inputDim: 9, outputDim: features, maskZero: true, inputShape: [null] }),
      new Bidirectional({ layer: new GRU({ units, returnSequences: true }) }),
      new Bidirectional({ layer: new LSTM({ units: 2 }), mergeMode: 'sum' }),
    ])
    const embedded = model.getLayer(0) as Layer
    const expected = read(() => {
      const e = embedded.apply(tensor(ids, undefined, 'int32')) as Tensor
      const first = (model.getLayer(1) as Bidirectional).apply(e, { mask })
      return (model.getLayer(2) as Bidirectional).apply(first as Tensor, { mask })
    })
    assert.equal(model.predict(ids).array(), expected[0])

    const [a, s, t] = [
      Input({ shape: [null, features] }),
      Input({ shape: [units] }),
      Input({ shape: [units] }),
    ]
    const layer = new Bidirectional({ layer: new GRU({ units }) })
    const [h, g] = [matrix(batch, units, 3), matrix(batch, units, 4)]
    using start = new Model({
      inputs: [a, s, t],
      outputs: layer.apply(a, { initialState: [s, t] }) as SymbolicTensor,
    })
    const [direct] = read(() => layer.apply(x, { initialState: [h, g] }))
    assert.equal(start.predict([x, h, g]).array(), direct)
    assert.equal(read(() => layer.apply([tensor(x), tensor(h), tensor(g)]))[0], direct)

    using carrying = new Sequential([
      new Bidirectional({
        layer: new GRU({ units, stateful: true }),
        batchInputShape: [batch, null, features],
      }),
    ])
    const both = carrying.getLayer(0) as Bidirectional
    const once = carrying.predict(x).array()
    assert.not.equal(carrying.predict(x).array(), once)
    resetState(carrying)
    assert.equal(carrying.predict(x).array(), once)
    carrying.resetStates({ bidirectional: [h, g] })
    const values = () => (both.states as NdArray[]).map(state => state.array())
    assert.equal(
      values(),
      [h, g].map(rows => rows.map(row => row.map(Math.fround))),
    )
    assert.equal(carrying.predict(x).array(), read(() => both.apply(x, { initialState: [h, g] }))[0])
    fails(() => both.resetStates([h]), ArgumentError, /2 states but was given 1/)
  }))

test('wrappers round-trip', () =>
  balanced(() => {
    const layers = [
      new Bidirectional({
        layer: new LSTM({ units, name: 'memory', dropout: 0.5 }),
        mergeMode: 'ave',
        name: 'both',
      }),
      new Bidirectional({ layer: new GRU({ units }), mergeMode: null }),
      new Bidirectional({
        layer: new GRU({ units }),
        backwardLayer: new SimpleRNN({ units: 2, goBackwards: true }),
      }),
      new Bidirectional({ layer: new RNN({ cell: [new GRUCell({ units }), new GRUCell({ units: 2 })] }) }),
      new TimeDistributed({ layer: new Dense({ units, activation: 'tanh' }) }),
      layerCudnnLstm({ units, unitForgetBias: false }),
      layerCudnnGru({ units, goBackwards: true }),
    ]
    for (const layer of layers) {
      const written = serialize(layer)
      const copy = deserialize(JSON.parse(JSON.stringify(written)))
      assert.equal(serialize(copy), written)
      const [expected] = [read(() => layer.apply(x))]
      copy.build([null, null, features])
      copy.setWeights(layer.getWeights())
      assert.equal(
        read(() => copy.apply(x)),
        expected,
      )
      layer.dispose()
      copy.dispose()
    }
  }))

test('TimeDistributed of a Dense is the Dense', () => {
  using dense = new Dense({ units })
  using each = new TimeDistributed({ layer: dense })
  assert.equal(
    read(() => each.apply(x)),
    read(() => dense.apply(x)),
  )
  assert.is(each.layer, dense)
  assert.equal(each.weights, dense.weights)
})

test('TimeDistributed: every layer, sizes that are not known, masks within and after', () =>
  balanced(() => {
    const deep = sequences(batch * time, 6, features)
    const nested = Array.from({ length: batch }, (_, b) => deep.slice(b * time, (b + 1) * time))
    const inner = new Sequential([new Masking({ maskValue: 0 }), new GRU({ units, returnSequences: true })])
    const input = Input({ shape: [null, null, features] })
    const steps = new TimeDistributed({ layer: inner }).apply(input) as SymbolicTensor
    assert.equal(steps.shape, [null, null, null, units])
    using model = new Model({ inputs: input, outputs: steps })
    const got = (model.predict(nested).array() as number[][][][]).flat()
    assert.equal(got, inner.predict(deep).array())
    inner.dispose()

    // the steps' own mask stays, and goes to the layers behind
    const ids = Input({ shape: [null], dtype: 'int32' })
    const embedded = new Embedding({ inputDim: 9, outputDim: features, maskZero: true }).apply(ids)
    const dense = new TimeDistributed({ layer: new Dense({ units }) }).apply(embedded) as SymbolicTensor
    using masked = new Model({ inputs: ids, outputs: [dense, new GRU({ units: 2 }).apply(dense)] })
    const [sequence, last] = masked.predict([
      [1, 2, 0],
      [3, 0, 0],
    ])
    const gru = masked.getLayer('gru') as GRU
    const expected = read(() =>
      gru.apply(sequence, {
        mask: [
          [1, 1, 0],
          [1, 0, 0],
        ],
      }),
    )
    assert.equal(last.array(), expected[0])
  }))

test('TimeDistributed streams step by step, and says what it needs', () => {
  using model = new Sequential([
    new TimeDistributed({ layer: new Dense({ units }), inputShape: [null, features] }),
    new GRU({ units: 2, returnSequences: true }),
  ])
  const expected = model.predict(x).array() as number[][][]
  using stream = model.stream({ batch })
  for (let t = 0; t < time; t++)
    assert.equal(
      [...stream.step(x.map(row => row[t]!))],
      expected.flatMap(row => row[t]!),
    )
  fails(
    () => new TimeDistributed({ layer: new Dense({ units }) }).apply(matrix(2, 3)),
    ShapeError,
    /at least 3 axes/,
  )
  const error = fails(() => new TimeDistributed({ layer: 4 as never }), ArgumentError, /a layer/)
  assert.is(error.argument, 'layer')
})

test('cuDNN: LSTM and GRU with the two biases added', () => {
  const options = {
    units,
    returnSequences: true,
    returnState: true,
    biasInitializer: 'randomNormal',
  } as const
  using lstm = layerCudnnLstm(options)
  using plain = layerLstm(options)
  using gru = layerCudnnGru(options)
  using after = layerGru(options)
  for (const layer of [lstm, plain, gru, after]) layer.build([null, null, features])
  const [k, r, b] = lstm.getWeights() as [NdArray, NdArray, NdArray]
  assert.equal(b.shape, [8 * units])
  assert.ok(b.data.slice(5 * units, 6 * units).every(value => value === 1))
  assert.not.ok(b.data.slice(units, 2 * units).every(value => value === 1))
  plain.setWeights([k, r, b.data.slice(0, 4 * units).map((value, i) => value + b.data[4 * units + i]!)])
  assert.equal(
    read(() => lstm.apply(x, { mask })),
    read(() => plain.apply(x, { mask })),
  )
  const [gk, gr, gb] = gru.getWeights() as [NdArray, NdArray, NdArray]
  after.setWeights([gk, gr, gb.data])
  assert.equal(
    read(() => gru.apply(x)),
    read(() => after.apply(x)),
  )
  const error = fails(
    () => layerCudnnLstm({ units, activation: 'relu' } as never),
    ArgumentError,
    /CuDNNLSTM has no option "activation"/,
  )
  assert.is(error.argument, 'activation')
})

test('functions', () => {
  const layer = layerBidirectional({ layer: new LSTM({ units }) })
  assert.instance(layer, Bidirectional)
  const model = new Sequential()
  assert.is(layerTimeDistributed(model, { layer: new Dense({ units }) }), model)
  assert.equal(layerBidirectional(Input({ shape: [null, features] }), { layer: new LSTM({ units }) }).shape, [
    null,
    8,
  ])
  fails(() => resetState(4 as never), ArgumentError, /a recurrent layer or a model/)
  using gru = new GRU({ units, stateful: true })
  read(() => gru.apply(x))
  assert.is(resetState(gru), gru)
  assert.is((gru.states as NdArray).data[0], 0)
})

test.run()
