/** Options of the recurrent layers beside those of test/layers/recurrent.test.ts: order of axes, unrolling, first states. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  ArgumentError,
  Bidirectional,
  GRU,
  Input,
  LSTM,
  LSTMCell,
  Model,
  NdArray,
  ops,
  RNN,
  Sequential,
  ShapeError,
  type SymbolicTensor,
  scope,
  tensor,
  UnsupportedError,
} from '../../ts/entry/api.js'
import { balanced, fails } from '../engine/support.js'
import { matrix, sequences } from '../support/random.js'

const [batch, time, features, units] = [2, 5, 3, 4]
const x = sequences(batch, time, features)
const major = x[0]!.map((_, t) => x.map(row => row[t]!))
const mask = [
  [1, 1, 0, 1, 0],
  [0, 1, 1, 0, 1],
]
const turned = mask[0]!.map((_, t) => mask.map(row => row[t]!))

test('unrolling needs a known number of steps', () => {
  const options = { unroll: true, name: 'memory' }
  for (const layer of [
    new LSTM({ units, ...options }),
    new RNN({ cell: new LSTMCell({ units }), ...options }),
  ]) {
    const error = fails(() => layer.apply(Input({ shape: [null, features] })), ShapeError, /memory.*unroll/)
    assert.is(error.argument, 'inputs')
    assert.equal((layer.apply(Input({ shape: [time, features] })) as SymbolicTensor).shape, [null, units])
    layer.dispose()
  }
  fails(
    () =>
      new LSTM({ units, unroll: true, timeMajor: true }).apply(Input({ batchShape: [null, 2, features] })),
    ShapeError,
    /unroll/,
  )
  using model = new Sequential([new GRU({ units, unroll: true })])
  assert.equal(model.predict(x).shape, [batch, units])
  assert.equal(model.batchInputShape, [null, time, features])
})

test('time major: models, symbolic states, the axes of shapes', () =>
  balanced(() => {
    const layer = new LSTM({ units, timeMajor: true, returnSequences: true, returnState: true })
    const [input, h, c] = [
      Input({ shape: [null, features] }),
      Input({ shape: [units] }),
      Input({ shape: [units] }),
    ]
    const [y, ...states] = layer.apply(ops.transpose(input, [1, 0, 2]) as SymbolicTensor, {
      initialState: [h, c],
    })
    using model = new Model({ inputs: [input, h, c], outputs: [ops.transpose(y, [1, 0, 2]), ...states] })
    using plain = new LSTM({ units, returnSequences: true, returnState: true })
    plain.build([null, null, features])
    plain.setWeights(layer.getWeights())
    const first = [matrix(batch, units, 3), matrix(batch, units, 4)]
    const expected = scope(() => plain.apply(x, { initialState: first }).map(value => value.array()))
    assert.equal(
      model.predict([x, ...first]).map(value => value.array()),
      expected,
    )
    assert.equal(layer.computeOutputShape([7, batch, features]), [
      [7, batch, units],
      [batch, units],
      [batch, units],
    ])
  }))

test('time major: gradients are those of the transposed', () =>
  balanced(() => {
    using layer = new GRU({ units, timeMajor: true, returnSequences: true })
    using plain = new GRU({ units, returnSequences: true })
    for (const each of [layer, plain]) each.build([null, null, features])
    plain.setWeights(layer.getWeights())
    const loss = (gru: GRU, own: number[][]) => (input: SymbolicTensor) =>
      ops.sum(ops.square(gru.apply(input, { mask: own }) as SymbolicTensor))
    scope(() => {
      const expected = ops.grad(loss(plain, mask))(tensor(x))
      assert.equal(
        ops.transpose(ops.grad(loss(layer, turned))(tensor(major)), [1, 0, 2]).array(),
        expected.array(),
      )
    })
  }))

test('time major: what does not fit', () => {
  using layer = new GRU({ units, timeMajor: true, stateful: true })
  scope(() => void layer.apply(major))
  assert.equal((layer.states as NdArray).shape, [batch, units])
  fails(() => layer.apply(sequences(time, batch + 1, features)), ShapeError, /2 in axis 1, not \[5, 3/)
  fails(() => layer.apply(major, { mask }), ShapeError, /mask/)
  fails(
    () => layer.apply(major, { initialState: matrix(time, units) }),
    ShapeError,
    /state 0 must be \[2, 4\]/,
  )
  fails(() => layer.apply(new NdArray(new Float32Array(0), [0, 2, features])), ShapeError, /one time step/)
  using model = new Sequential([new GRU({ units, timeMajor: true, inputShape: [null, features] })])
  const error = fails(() => model.stream(), UnsupportedError, /gru cannot stream with timeMajor/)
  assert.is(error.argument, 'timeMajor')
})

const kept5 = { inputShape: [5, 3] }

test('sizes of the input one by one', () => {
  const shapeOf = (options: object) => new GRU({ units, ...options }).batchInputShape
  assert.equal(shapeOf({ inputDim: 3 }), [null, null, 3])
  assert.equal(shapeOf({ inputDim: 3, inputLength: 5, batchSize: 2 }), [2, 5, 3])
  assert.equal(shapeOf({ inputShape: [5, 3], batchSize: 2 }), [2, 5, 3])
  assert.is(shapeOf({}), null)
  assert.equal(shapeOf({ batchShape: [2, null, 3], inputLength: 5 }), [2, 5, 3])
  assert.equal(shapeOf({ batchInputShape: [2, 5, 3], inputShape: [null, 3] }), [2, 5, 3])
  for (const [argument, options] of [
    ['inputDim', { inputShape: [5, 3], inputDim: 4 }],
    ['inputLength', { batchShape: [2, 5, 3], inputLength: 6 }],
    ['batchSize', { batchInputShape: [2, 5, 3], batchSize: 3 }],
    ['inputShape', { batchInputShape: [2, 5, 3], inputShape: [3] }],
    ['batchInputShape', { batchInputShape: [2, 5, 3], batchShape: [2, 6, 3] }],
  ] as const) {
    const error = fails(() => shapeOf(options), ArgumentError, new RegExp(`"${argument}" contradicts`))
    assert.is(error.argument, argument)
  }
  const kept = new GRU({ units, inputShape: [5, 3], batchSize: 2 }).getConfig()
  assert.equal(kept.batch_input_shape, [2, 5, 3])
  assert.equal((GRU.fromConfig(kept) as GRU).batchInputShape, [2, 5, 3])
  assert.not.ok('batch_input_shape' in new GRU({ units }).getConfig())
  for (const where of [{ layer: new GRU({ units, ...kept5 }) }, { layer: new GRU({ units }), ...kept5 }]) {
    const config = new Bidirectional(where).getConfig()
    assert.equal(config.batch_input_shape, [null, 5, 3])
    assert.equal((Bidirectional.fromConfig(config) as Bidirectional).batchInputShape, [null, 5, 3])
    assert.not.match(JSON.stringify(config.layer), /batch_input_shape/)
  }
  // Keras 3 has the shape in the input alone.
  using inside = new Sequential([new GRU({ units, ...kept5 })])
  assert.not.match(JSON.stringify(inside.getConfig()), /batch_input_shape/)
  using long = new Sequential([new GRU({ units, inputLength: time + 1 })])
  fails(() => long.predict(x), ShapeError, /\[null, 6, 3\]/)
  using many = new Sequential([new GRU({ units, stateful: true, batchSize: batch + 1 })])
  fails(() => many.predict(x), ShapeError, /fixed batch 3/)
  assert.is(new Bidirectional({ layer: new GRU({ units }) }).batchInputShape, null)
  assert.equal(new Bidirectional({ layer: new GRU({ units, inputLength: 5 }) }).batchInputShape, [
    null,
    5,
    null,
  ])
})

test('a layer that is built knows its features', () => {
  using layer = new LSTM({ units })
  layer.build([null, null, features])
  fails(
    () => layer.apply(sequences(batch, time, features + 1)),
    ShapeError,
    /lstm needs inputs with 3 in axis 2/,
  )
})

test('first states', () => {
  using lstm = new LSTM({ units })
  using both = new Bidirectional({ layer: new GRU({ units, timeMajor: true }) })
  scope(() => {
    const shapes = (states: unknown) => (states as SymbolicTensor[]).map(({ shape }) => shape)
    assert.equal(shapes(lstm.getInitialState(3)), [
      [3, units],
      [3, units],
    ])
    assert.equal(shapes(lstm.getInitialState(tensor(x))), shapes(lstm.getInitialState({ inputs: tensor(x) })))
    assert.equal(shapes(both.getInitialState({ inputs: tensor(major) })), [
      [batch, units],
      [batch, units],
    ])
    assert.equal(shapes(lstm.getInitialState(Input({ shape: [null, features] }))), [
      [null, units],
      [null, units],
    ])
  })
  for (const wrong of [undefined, null, -1, 2.5, 'a', {}, [3]]) {
    const error = fails(() => lstm.getInitialState(wrong as never), ArgumentError, /a size, or inputs/)
    assert.is(error.argument, 'batchSize')
  }
})

test.run()
