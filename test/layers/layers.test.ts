import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  Activation,
  ArgumentError,
  Dense,
  Dropout,
  Embedding,
  Input,
  InputLayer,
  Layer,
  LSTM,
  LSTMCell,
  Masking,
  NdArray,
  RNN,
  ShapeError,
  type SymbolicTensor,
  scope,
  type Tensor,
  tensor,
  UnsupportedError,
} from '../../ts/entry/api.js'
import type { NestedArray } from '../../ts/tensor/ndarray.js'
import { balanced, fails, near } from '../engine/support.js'
import { matrix, sequences } from '../support/random.js'

const read = (fn: () => Tensor): NestedArray => scope(() => fn().array())

test('Dense: x·kernel + bias on the last axis, then the activation', () =>
  balanced(() => {
    const x = sequences(2, 3, 4)
    using layer = new Dense({ units: 5, activation: 'relu', biasInitializer: 'ones' })
    const got = read(() => layer.apply(x))
    const [kernel, bias] = layer.getWeights().map(weight => weight.array()) as [number[][], number[]]
    const expected = x.map(rows =>
      rows.map(row =>
        bias.map((b, j) =>
          Math.max(
            0,
            row.reduce((sum, value, k) => sum + value * kernel[k]![j]!, b),
          ),
        ),
      ),
    )
    near(got, expected)
    using plain = new Dense({ units: 2, useBias: false })
    assert.is((read(() => plain.apply(matrix(3, 4))) as unknown[]).length, 3)
    assert.is(plain.weights.length, 1)
    fails(() => plain.apply([1, 2, 3]), ShapeError, /dense needs inputs with at least 2 axes/)
    fails(() => plain.apply(matrix(3, 5)), ShapeError, /dense/)
    assert.equal(plain.computeOutputShape([null, 7, 4]), [null, 7, 2])
  }))

test('Activation: names in both spellings, null is linear', () => {
  const x = [[-1, 0, 2]]
  using relu = new Activation({ activation: 'relu' })
  assert.equal(
    read(() => relu.apply(x)),
    [[0, 0, 2]],
  )
  using linear = new Activation({ activation: null })
  assert.equal(
    read(() => linear.apply(x)),
    x,
  )
  using soft = new Activation({ activation: 'log_softmax' as never })
  near(
    read(() => soft.apply([[1, 1]])),
    [[-Math.LN2, -Math.LN2]],
  )
  fails(() => new Activation({} as never), ArgumentError, /needs "activation"/)
})

test('Masking: zeros where all features are the value; NaN counts as data', () => {
  using layer = new Masking({ maskValue: 9 })
  const x = [
    [
      [9, 9],
      [9, 1],
      [0, 0],
    ],
  ]
  assert.equal(
    read(() => layer.apply(x)),
    [
      [
        [0, 0],
        [9, 1],
        [0, 0],
      ],
    ],
  )
  scope(() => assert.equal(layer.computeMask(tensor(x)).array(), [[false, true, true]]))
  scope(() => assert.equal(layer.computeMask(tensor([[[Number.NaN, 9]]])).array(), [[true]]))
})

test('Embedding: rows by id, whatever numbers the ids are', () => {
  using layer = new Embedding({ inputDim: 4, outputDim: 3, maskZero: true })
  layer.build([null, null])
  const [[...rows]] = layer.getWeights().map(weight => weight.array()) as [number[][]]
  const expected = [[rows[3], rows[0]]]
  assert.equal(read(() => layer.apply([[3, 0]])) as unknown, expected)
  assert.equal(read(() => layer.apply(tensor([[3, 0]]))) as unknown, expected)
  assert.equal(read(() => layer.apply(new NdArray(Int32Array.of(3, 0), [1, 2]))) as unknown, expected)
  scope(() => assert.equal((layer.computeMask(tensor([[3, 0]])) as Tensor).array(), [[true, false]]))
  assert.ok(rows.flat().every(value => Math.abs(value) <= 0.05))
  for (const id of [4, -1]) {
    const error = fails(() => layer.apply([[id]]), ArgumentError, /embedding/)
    assert.is(error.layer, 'embedding')
  }
  fails(() => layer.apply([[0.5]]), ArgumentError, /integer/)
})

test('Dropout: inert, its options kept', () => {
  using layer = new Dropout({ rate: 0.3, seed: 5, noiseShape: [null, 1] })
  assert.equal(
    read(() => layer.apply([[1, 2]])),
    [[1, 2]],
  )
  const { rate, seed, noise_shape } = layer.getConfig()
  assert.equal([rate, seed, noise_shape], [0.3, 5, [null, 1]])
  fails(() => new Dropout({ rate: -1 }), ArgumentError, /rate/)
})

test('Input: shapes with and without the batch, with and without new', () => {
  assert.equal(Input({ shape: [null, 5] }).shape, [null, null, 5])
  assert.equal(new Input({ shape: [5], batchSize: 2 }).shape, [2, 5])
  assert.equal(Input({ batchShape: [2, 3], dtype: 'int32', name: 'ids' }).dtype, 'int32')
  fails(() => Input({} as never), ArgumentError, /"shape" or "batchShape"/)
  fails(() => Input({ shape: ['a'] as never }), ArgumentError, /sizes/)
  fails(
    () => Input({ shape: [1], dtype: 'float16' as never }),
    UnsupportedError,
    /dtype "float16" .*float32, int32/,
  )
  assert.is(new InputLayer({ shape: [1], name: 'a' }).output.name, 'a')
})

test('configs keep every option, regularizers and constraints included', () => {
  const layer = new Dense({
    units: 2,
    kernelRegularizer: 'l1L2',
    biasRegularizer: { className: 'L1', config: { l1: 0.5 } },
    kernelConstraint: 'nonNeg',
    biasConstraint: { class_name: 'MaxNorm', config: { max_value: 3, axis: 0 } },
    activityRegularizer: 'l2',
    name: 'd',
  })
  const config = layer.getConfig()
  assert.equal(config.kernel_regularizer, {
    module: 'keras.regularizers',
    class_name: 'L1L2',
    config: { l1: 0, l2: 0 },
    registered_name: null,
  })
  assert.equal((config.bias_constraint as { config: object }).config, { max_value: 3, axis: 0 })
  assert.equal(Dense.fromConfig(config).getConfig(), config)
  fails(
    () => new Dense({ units: 2, kernelRegularizer: 'l3' as never }),
    ArgumentError,
    /"l3" is no regularizer/,
  )
  fails(
    () => new Dense({ units: 2, kernelConstraint: { className: 'MaxNorm', config: { max: 3 } } }),
    ArgumentError,
    /did you mean "maxValue"/,
  )
})

test('addWeight refuses rules that there are not', () => {
  class Odd extends Layer {
    override build() {
      this.addWeight({ shape: [1], constraint: 'nonNeg' })
      this.addWeight({ shape: [1], regularizer: 'l3' as never })
    }
    override call(x: SymbolicTensor) {
      return x
    }
  }
  using layer = new Odd({ name: 'odd' })
  fails(() => layer.apply(Input({ shape: [1] })), ArgumentError, /odd: regularizer "l3" is no regularizer/)
})

test('stateSpec has the shapes of the states in the form of stateSize', () => {
  const pair = [
    [null, 4],
    [null, 4],
  ]
  assert.equal(new LSTM({ units: 4 }).stateSpec, pair)
  using stack = new RNN({ cell: [new LSTMCell({ units: 4 }), new LSTMCell({ units: 4 })] })
  assert.equal(stack.stateSpec, [pair, pair])
})

test('like to like', () => {
  using layer = new Dense({ units: 1 })
  const symbolic: SymbolicTensor = layer.apply(Input({ shape: [2] }))
  assert.not('id' in symbolic)
  scope(() => assert.instance(layer.apply(tensor([[1, 2]])).data(), Float32Array))
  fails(
    () => layer.apply([[1, 2]], { training: 'yes' as unknown as boolean }),
    ArgumentError,
    /training must be true or false/,
  )
  fails(() => layer.apply([[1, 2]], { initialState: [] } as never), ArgumentError, /no option "initialState"/)
})

test.run()
