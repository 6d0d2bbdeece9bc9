import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  ArgumentError,
  Dense,
  DisposedError,
  Embedding,
  GRU,
  Input,
  Layer,
  LSTM,
  Masking,
  Model,
  NdArray,
  ops,
  Sequential,
  ShapeError,
  StateError,
  type SymbolicTensor,
  scope,
  setRandomSeed,
  tensor,
} from '../../ts/entry/api.js'
import type { NestedArray } from '../../ts/tensor/ndarray.js'
import { balanced, fails } from '../engine/support.js'
import { matrix, numbers, sequences } from '../support/random.js'

const x = sequences(3, 4, 5)

test('Sequential: built at once, or by its first data, or by build', () =>
  balanced(() => {
    using early = new Sequential([new LSTM({ units: 4, inputShape: [null, 5] }), new Dense({ units: 2 })])
    assert.ok(early.built)
    assert.is(early.countParams(), 4 * 4 * (5 + 4 + 1) + 10)
    using late = new Sequential([new LSTM({ units: 4 }), new Dense({ units: 2 })])
    assert.not(late.built)
    fails(() => late.outputs, StateError, /not built/)
    assert.equal(late.predict(x).shape, [3, 2])
    assert.equal(late.predict(sequences(1, 9, 5)).shape, [1, 2])
    assert.equal((late.inputs as SymbolicTensor).shape, [null, null, 5])
    using built = new Sequential([new Dense({ units: 2 })])
    built.build([null, 7])
    assert.is(built.countParams(), 16)
    using grown = new Sequential([Input({ shape: [null, 5] })])
    grown.add(new GRU({ units: 3, returnSequences: true })).add(new GRU({ units: 2 }))
    assert.equal(grown.predict(x).shape, [3, 2])
    const last = grown.pop()
    assert.equal(grown.predict(x).shape, [3, 4, 3])
    last.dispose()
    using several = new LSTM({ units: 2, returnState: true })
    fails(() => grown.add(several), ArgumentError, /several outputs/)
    assert.is(grown.layers.length, 1)
    fails(() => grown.add('lstm' as never), ArgumentError, /only layers/)
  }))

test('first layers say their input in every way', () => {
  for (const options of [
    { inputShape: [null, 5] },
    { batchInputShape: [null, null, 5] },
    { inputDim: 5 },
    { inputDim: 5, inputLength: 4 },
  ]) {
    using model = new Sequential([new GRU({ units: 2, ...options })])
    assert.equal(model.predict(x).shape, [3, 2])
  }
  using dense = new Sequential([new Dense({ units: 2, inputDim: 3 })])
  assert.equal(dense.predict(matrix(2, 3)).shape, [2, 2])
  using fixed = new Sequential([new GRU({ units: 2, inputShape: [null, 5], batchSize: 3 })])
  assert.equal((fixed.inputs as SymbolicTensor).shape, [3, null, 5])
  fails(() => fixed.predict(x.slice(1)), ShapeError, /sequential/)
})

test('names count per model; chosen ones are kept and may not repeat', () => {
  const named = () =>
    new Sequential([
      new Dense({ units: 1 }),
      new Dense({ units: 1 }),
      new Dense({ units: 1, name: 'dense_1' }),
    ])
  assert.equal(
    named().layers.map(layer => layer.name),
    ['dense', 'dense_2', 'dense_1'],
  )
  assert.equal(
    named().layers.map(layer => layer.name),
    ['dense', 'dense_2', 'dense_1'],
  )
  fails(
    () => new Sequential([new Dense({ units: 1, name: 'a' }), new Dense({ units: 1, name: 'a' })]),
    ArgumentError,
    /two layers are named "a"/,
  )
  const [model] = [named()]
  assert.is(model!.getLayer('dense_2'), model!.layers[1])
  assert.is(model!.getLayer(-1), model!.layers[2])
  fails(() => model!.getLayer('dence'), ArgumentError, /did you mean "dense"/)
})

test('functional models: arrays and objects, several outputs, ops between layers', () =>
  balanced(() => {
    const [a, b] = [Input({ shape: [null, 5], name: 'a' }), Input({ shape: [4], name: 'b' })]
    const [y, h, c] = new LSTM({ units: 4, returnSequences: true, returnState: true }).apply(a)
    const mixed = ops.add(h, b)
    const logits = new Dense({ units: 2 }).apply(ops.multiply(mixed, 2))
    using list = new Model({ inputs: [a, b], outputs: [logits, y, c] })
    using object = new Model({ inputs: { first: a, second: b }, outputs: { logits, y } })
    using single = new Model({ inputs: [a, b], outputs: logits })
    const bs = matrix(3, 4)
    const [l, sequence, cell] = list.predict([x, bs])
    assert.equal(
      [l.shape, sequence.shape, cell.shape],
      [
        [3, 2],
        [3, 4, 4],
        [3, 4],
      ],
    )
    const named = object.predict({ first: x, second: bs })
    assert.equal(named.logits.array(), l.array())
    assert.equal(named.y.array(), sequence.array())
    assert.equal(single.predict({ a: x, b: bs }).array(), l.array())
    assert.equal(single.predict([x, bs], { batchSize: 2 }).array(), l.array())
    fails(() => list.predict(x), ArgumentError, /2 inputs in an array/)
    fails(() => object.predict([x, bs]), ArgumentError, /in an object: first, second/)
    fails(() => object.predict({ first: x }), ArgumentError, /needs the input "second"/)
    fails(() => object.predict({ first: x, secnd: bs }), ArgumentError, /did you mean "second"/)
    fails(() => single.predict([x, bs.slice(1)]), ShapeError, /3 and 2 samples/)
    fails(() => new Model({ inputs: a, outputs: logits }), ArgumentError, /"b", which is not among/)
    fails(() => new Model({ inputs: a, outputs: 1 as never }), ArgumentError, /symbolic/)
  }))

test('predict: batches, bare arrays, dtypes, empty batches, wrong options', () => {
  using model = new Sequential([new GRU({ units: 3, returnSequences: true, inputShape: [null, 5] })])
  const whole = model.predict(x)
  assert.instance(whole, NdArray)
  assert.equal(model.predict(x, { batchSize: 2 }).array(), whole.array())
  const one = Float32Array.from(x[0]!.flat())
  assert.equal(model.predict(one).array(), [(whole.array() as number[][][])[0]])
  assert.equal(model.predict(Float64Array.from(one)).shape, [1, 4, 3])
  scope(() => assert.equal(model.predict(tensor(x)).array(), whole.array()))
  using last = new Sequential([new GRU({ units: 3, inputShape: [null, 5] })])
  assert.equal(last.predict(new NdArray(new Float32Array(0), [0, 4, 5])).shape, [0, 3])
  fails(() => model.predict(x, { batchsize: 2 } as never), ArgumentError, /did you mean "batchSize"/)
  fails(() => model.predict(x, { batchSize: 0 }), ArgumentError, /positive integer/)
  fails(() => model.predict(sequences(2, 3, 4)), ShapeError, /must have the shape \[null, null, 5\]/)
  fails(() => model.predict(new BigInt64Array(5) as never), ArgumentError, /BigInt64Array/)
  using pair = new Model({
    inputs: model.inputs as SymbolicTensor,
    outputs: [model.outputs as SymbolicTensor],
  })
  assert.equal(pair.predict(x)[0]!.array(), whole.array())
})

test('predict joins what its batches give along axis 0, whichever axis was the batch, as Keras does', () => {
  const x = sequences(3, 8, 4)
  for (const returnSequences of [false, true]) {
    using model = new Sequential([new LSTM({ units: 5, timeMajor: true, returnSequences, inputShape: [8, 4] })]) // biome-ignore format: one line
    using batchMajor = new Sequential([new LSTM({ units: 5, returnSequences, inputShape: [null, 4] })])
    batchMajor.setWeights(model.getWeights())
    for (const batchSize of [1, 2, 3, undefined]) {
      const expected: NestedArray[] = []
      for (let start = 0; start < 3; start += batchSize ?? 3) {
        const steps = x.slice(start, start + (batchSize ?? 3))
        const turned = x[0]!.map((_, b) => steps.map(step => step[b]!))
        const output = batchMajor.predict(turned).array() as NestedArray[][]
        if (returnSequences) expected.push(...steps.map((_, t) => output.map(row => row[t]!)))
        else expected.push(...output)
      }
      assert.equal(model.predict(x, { batchSize }).array(), expected)
    }
  }
  const input = Input({ shape: [8, 4] })
  using turned = new Model({ inputs: input, outputs: ops.transpose(input, [1, 0, 2]) })
  assert.equal(turned.predict(x).shape, [8, 3, 4])
  const error = fails(() => turned.predict(x, { batchSize: 2 }), ShapeError, /batchSize must be the number of samples/) // biome-ignore format: one line
  assert.is(error.argument, 'batchSize')
  using summed = new Model({ inputs: input, outputs: ops.sum(input) })
  assert.equal([summed.predict(x).shape, summed.predict(x, { batchSize: 2 }).shape], [[], [2]])
})

test('programs are traced once for every length and batch', () => {
  let traces = 0
  class Counting extends Layer {
    override supportsMasking = true
    override call(inputs: SymbolicTensor) {
      traces++
      return ops.multiply(inputs, 2)
    }
  }
  using model = new Sequential([new Counting({ inputShape: [null, 5] }), new GRU({ units: 2 })])
  traces = 0
  for (const time of [1, 5, 2, 9]) model.predict(sequences(2, time, 5))
  for (const batch of [1, 3]) model.predict(sequences(batch, 5, 5))
  assert.is(traces, 1)
  model.predict(x, { mask: x.map(rows => rows.map((_, t) => t < 2)) })
  assert.is(traces, 2)
  const layer = new Counting()
  traces = 0
  scope(() => {
    for (const time of [1, 5, 2]) layer.apply(tensor(sequences(2, time, 5)))
  })
  assert.is(traces, 1)
  layer.dispose()
})

test('masks flow through models, and stop where a layer does not support them', () => {
  const padded = x.map(rows => [...rows, rows[0]!.map(() => 0), rows[0]!.map(() => 0)])
  using masked = new Sequential([
    new Masking({ inputShape: [null, 5] }),
    new GRU({ units: 3, returnSequences: true }),
    new Dense({ units: 3 }),
    new LSTM({ units: 2 }),
  ])
  assert.equal(masked.predict(padded).array(), masked.predict(x).array())
  class Stops extends Layer {
    override call(inputs: SymbolicTensor) {
      return inputs
    }
  }
  using stopped = new Sequential([new Masking({ inputShape: [null, 5] }), new Stops(), new GRU({ units: 3 })])
  assert.not.equal(stopped.predict(padded).array(), stopped.predict(x).array())
  const ids = Input({ shape: [null], dtype: 'int32' })
  const start = Input({ shape: [3] })
  const embedded = new Embedding({ inputDim: 9, outputDim: 4, maskZero: true }).apply(ids)
  using decoder = new Model({
    inputs: [ids, start],
    outputs: new GRU({ units: 3 }).apply(embedded, { initialState: start }),
  })
  const begin = matrix(1, 3)
  assert.equal(decoder.predict([[[5, 3, 0, 0]], begin]).array(), decoder.predict([[[5, 3]], begin]).array())
})

test('models are layers, and layers and models can be shared', () => {
  const encoder = new Sequential([new GRU({ units: 3, inputShape: [null, 5] })], { name: 'encoder' })
  const a = Input({ shape: [null, 5] })
  const encoded = encoder.apply(a)
  const outer = new Model({ inputs: a, outputs: new Dense({ units: 2 }).apply(encoded) })
  assert.equal(outer.weights.length, 5)
  assert.equal(outer.predict(x).shape, [3, 2])
  const before = encoder.predict(x).array()
  outer.dispose()
  assert.equal(encoder.predict(x).array(), before)
  const inner = new Model({
    inputs: encoder.inputs as SymbolicTensor,
    outputs: encoder.outputs as SymbolicTensor,
  })
  encoder.dispose()
  assert.equal(inner.predict(x).array(), before)
  inner.dispose()
  fails(() => inner.predict(x), DisposedError, /./)
})

test('weights: order, copies, setting all or nothing', () => {
  using model = new Sequential([new LSTM({ units: 2, inputShape: [null, 5] }), new Dense({ units: 1 })])
  assert.equal(
    model.weights.map(weight => weight.name),
    ['kernel', 'recurrent_kernel', 'bias', 'kernel', 'bias'],
  )
  const weights = model.getWeights()
  assert.equal(
    weights.map(weight => weight.shape),
    [[5, 8], [2, 8], [8], [2, 1], [1]],
  )
  const changed = weights.map((weight, i) => (i === 4 ? [5] : weight.data))
  model.setWeights(changed)
  assert.equal(model.getWeights()[4]!.array(), [5])
  fails(() => model.setWeights(weights.slice(1)), ArgumentError, /5 weights but was given 4/)
  fails(() => model.setWeights([...weights.slice(0, 4), [1, 2]]), ShapeError, /bias/)
  assert.equal(model.getWeights()[4]!.array(), [5])
  fails(() => new Dense({ units: 1 }).setWeights([]), StateError, /built/)
  model.getLayer('lstm').trainable = false
  assert.is(model.trainableWeights.length, 2)
  assert.equal(
    model.weights.map(weight => weight.name),
    ['kernel', 'recurrent_kernel', 'bias', 'kernel', 'bias'],
  )
  const values = [numbers(20), numbers(8)].map(
    (data, i) =>
      new NdArray(
        data.map(value => value + i),
        i ? [8] : [5, 4],
      ),
  )
  using given = new Dense({ units: 4, weights: [values[0]!, [1, 2, 3, 4]] })
  given.build([null, 5])
  assert.equal(
    given.getWeights().map(weight => weight.array()),
    [values[0]!.array(), [1, 2, 3, 4]],
  )
})

test('the same seed and model give the same weights', () => {
  const make = () => {
    setRandomSeed(7)
    using model = new Sequential([new LSTM({ units: 3, inputShape: [null, 5] }), new Dense({ units: 2 })])
    return model.getWeights().map(weight => weight.array())
  }
  const first = make()
  assert.equal(make(), first)
  assert.not.equal(first[0], first[1])
  setRandomSeed(8)
  using other = new Sequential([new LSTM({ units: 3, inputShape: [null, 5] }), new Dense({ units: 2 })])
  assert.not.equal(other.getWeights()[0]!.array(), first[0])
})

test('summary', () => {
  using model = new Sequential(
    [new LSTM({ units: 40, inputShape: [null, 5] }), new Dense({ units: 2, trainable: false })],
    { name: 'small' },
  )
  assert.is(
    model.summary(),
    `Model: "small"
┏━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━┳━━━━━━━━━┓
┃ Layer (type)  ┃ Output Shape ┃ Param # ┃
┡━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━╇━━━━━━━━━┩
│ lstm (LSTM)   │ [null, 40]   │   7,360 │
├───────────────┼──────────────┼─────────┤
│ dense (Dense) │ [null, 2]    │      82 │
└───────────────┴──────────────┴─────────┘
 Total params: 7,442 (29.07 KB)
 Trainable params: 7,360 (28.75 KB)
 Non-trainable params: 82 (328 B)
`,
  )
  const a = Input({ shape: [2], name: 'a' })
  using graph = new Model({ inputs: a, outputs: new Dense({ units: 1 }).apply(a) })
  assert.match(graph.summary(), /│ dense \(Dense\)\s+│ \[null, 1\]\s+│\s+3 │ a\s+│/)
  assert.match(new Sequential([new Dense({ units: 1 })]).summary(), /\? \(unbuilt\)/)
})

test('everything goes with its model', () => {
  balanced(() => {
    const model = new Sequential([new GRU({ units: 2, inputShape: [null, 5] })])
    model.predict(x)
    model.stream().dispose()
    scope(() => void model.apply(x))
    model.dispose()
    model.dispose()
    fails(() => model.predict(x), DisposedError, /./)
    fails(() => model.getWeights(), DisposedError, /./)
  })
})

test.run()
