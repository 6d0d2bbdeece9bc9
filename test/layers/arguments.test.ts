/** What is wrong with options and arguments is said by the layer, with the argument's name. */
import { inspect } from 'node:util'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import * as entry from '../../ts/entry/api.js'
import {
  Activation,
  ArgumentError,
  Bidirectional,
  createEngine,
  Dense,
  DisposedError,
  deserialize,
  Embedding,
  GRU,
  GRUCell,
  Initializer,
  Input,
  initializers,
  kerasModel,
  kerasModelSequential,
  type LayerRnnError,
  LSTM,
  LSTMCell,
  layerLstm,
  Masking,
  MemoryError,
  Model,
  NdArray,
  ops,
  RNN,
  Sequential,
  ShapeError,
  StackedRNNCells,
  scope,
  serialize,
  Tensor,
  TimeDistributed,
  tensor,
  UnsupportedError,
} from '../../ts/entry/api.js'
import { fails } from '../engine/support.js'
import { matrix, sequences } from '../support/random.js'

const x = sequences(2, 3, 4)
const none = new NdArray(new Float32Array(0), [1, 0, 4])

/** Like `fails`, with the names that the error has. */
function names(
  fn: () => unknown,
  Class: new (...args: never[]) => LayerRnnError,
  { layer, argument, text }: { layer?: string; argument?: string; text: RegExp },
): void {
  const error = fails(fn, Class, text)
  assert.is(error.layer, layer, 'layer')
  assert.is(error.argument, argument, 'argument')
}

const of = (Class: unknown, ...args: unknown[]) => {
  const Any = Class as new (...args: unknown[]) => unknown
  return () => new Any(...args)
}

test('options are one object', () => {
  const cell = new LSTMCell({ units: 3 })
  const wrong: [make: () => unknown, layer: string, text: RegExp][] = [
    [of(LSTM, 64), 'LSTM', /one object of options, as \{ units \}, not 64/],
    [of(RNN, cell), 'RNN', /\{ cell \}, not LSTMCell/],
    [of(StackedRNNCells, [cell]), 'StackedRNNCells', /\{ cells \}/],
    [of(Activation, 'relu'), 'Activation', /\{ activation \}, not "relu"/],
    [of(Masking, 0), 'Masking', /\{ maskValue \}/],
    [of(Input, [3]), 'InputLayer', /\{ shape \}/],
    [of(Model, [1], 2), 'Model', /\{ inputs, outputs \}/],
    [of(Sequential, [], 'name'), 'Sequential', /one object of options/],
    [() => kerasModel(Input({ shape: [1] }) as never), 'Model', /\{ inputs, outputs \}/],
    [() => kerasModelSequential([] as never), 'kerasModelSequential', /\{ layers \}/],
    [() => layerLstm(x, 4 as never), 'LSTM', /\{ units \}/],
    [() => initializers.zeros(5 as never), 'Zeros', /no options/],
    [() => initializers.glorotUniform(5 as never), 'GlorotUniform', /\{ seed \}/],
  ]
  for (const [make, layer, text] of wrong) names(make, ArgumentError, { layer, argument: 'options', text })
})

test('options that are not known come with the nearest name', () => {
  fails(of(Model, { input: 1, outputs: 2 }), ArgumentError, /Model has no option "input".*"inputs"/)
  fails(of(LSTM, { units: 1, return_sequences: true }), ArgumentError, /"returnSequences"/)
  fails(of(LSTM, { units: 1, toString: 1 }), ArgumentError, /no option "toString"/)
  const near: [name: string, meant: string][] = [
    ['kernalInit', 'kernelInitializer'],
    ['hiddenUnits', 'units'],
    ['numUnits', 'units'],
    ['return_seqs', 'returnSequences'],
    ['inputSize', 'inputDim'],
    ['batchInput', 'batchInputShape'],
    ['innerActivation', 'recurrentActivation'],
    ['inner_init', 'recurrentInitializer'],
    ['outputDim', 'units'],
    ['dropoutU', 'recurrentDropout'],
    ['consumeLess', 'implementation'],
    ['bias', 'useBias'],
  ]
  for (const [name, meant] of near)
    fails(
      of(LSTM, { units: 1, [name]: 1 }),
      ArgumentError,
      new RegExp(`"${name}" \\(did you mean "${meant}"`),
    )
  fails(of(LSTM, { units: 1, lossScale: 1 }), ArgumentError, /no option "lossScale"$/)
})

test('values of options are shown as they are', () => {
  const text = /shape must be an array of sizes.*not \[-1, 2\]/
  fails(() => Input({ shape: [-1, 2] }), ArgumentError, text)
  fails(of(LSTM, { units: 1, dtype: 'float16' }), UnsupportedError, /"float16" is not supported/)
  for (const weights of ['a', {}])
    names(of(LSTM, { units: 2, weights }), ArgumentError, {
      layer: 'LSTM',
      argument: 'weights',
      text: /must be an array/,
    })
})

test('shapes, configs and inputs that are none', () => {
  const layers = () => [
    new LSTM({ units: 1 }),
    new Dense({ units: 1 }),
    new Bidirectional({ layer: new GRU({ units: 1 }) }),
    new TimeDistributed({ layer: new Dense({ units: 1 }) }),
    new Sequential([new GRU({ units: 1 })]),
  ]
  for (const layer of layers()) {
    for (const shape of [null, undefined, {}, 4, 'ab', [1, 2.5, 3], [null, null, -3], [Number.NaN]])
      for (const method of ['build', 'computeOutputShape'] as const)
        names(() => layer[method](shape as never), ArgumentError, {
          layer: layer.name,
          argument: 'inputShape',
          text: /must be an array of sizes/,
        })
    names(() => layer.apply({} as never), ArgumentError, {
      layer: layer.name,
      argument: 'inputs',
      text: /must be numbers or a tensor, not \{ {2}\}/,
    })
    for (const config of [null, undefined, 4, 'ab', []]) {
      const Class = layer.constructor as typeof LSTM
      const error = fails(() => Class.fromConfig(config as never), ArgumentError, /config must be an object/)
      assert.is(error.argument, 'config')
    }
    fails(() => serialize(layer.constructor as never), ArgumentError, /serialize: layer must be a layer/)
  }
  names(() => new LSTM({ units: 1 }).apply({ a: x }), ArgumentError, {
    layer: 'lstm',
    argument: 'inputs',
    text: /must be one tensor, not \{ a \}/,
  })
  fails(() => Model.fromConfig(null as never), ArgumentError, /config must be an object/)
  for (const value of [null, undefined, 4, {}])
    fails(() => serialize(value as never), ArgumentError, /serialize: layer must be a layer/)
  const Any = Tensor as unknown as new (...args: unknown[]) => Tensor
  for (const args of [[], [[1, 2]], [[1, 2], [2], 'float32']])
    fails(() => new Any(...args), ArgumentError, /tensors are made by tensor\(data, shape\)/)
})

test('a Sequential takes an array of layers', () => {
  for (const layers of [new GRU({ units: 1 }), { layers: [] }])
    names(of(Sequential, layers), ArgumentError, {
      layer: 'Sequential',
      argument: 'layers',
      text: /must be an array of layers/,
    })
})

test('cells and layers are told apart', () => {
  const cell = new LSTM({ units: 2 })
  names(of(RNN, { cell }), ArgumentError, { layer: 'RNN', argument: 'cell', text: /a cell.*not LSTM/ })
  for (const alone of [new LSTMCell({ units: 2 }), new GRUCell({ units: 2 })])
    fails(() => (alone.apply as (x: unknown) => never)([[1, 2]]), UnsupportedError, /new RNN\(\{ cell \}\)/)
})

test('inputs and masks name the layer and the argument', () => {
  const layer = new LSTM({ units: 2, name: 'memory' })
  const apply = (inputs: unknown, options?: unknown) => () => layer.apply(inputs as never, options as never)
  const inputs = { layer: 'memory', argument: 'inputs' }
  for (const wrong of [undefined, 'abc', {}.toString])
    names(apply(wrong), ArgumentError, { ...inputs, text: /^memory: inputs must be numbers/ })
  names(apply([[[1, 2], [1]]]), ShapeError, { ...inputs, text: /^memory: inputs\[0\]\[1\]/ })
  names(apply([1, 2]), ShapeError, { ...inputs, text: /3 axes, \[batch, time, features\], not \[2\]/ })
  names(apply(none), ShapeError, { ...inputs, text: /at least one time step, not \[1, 0, 4\]/ })
  names(apply(x, 5), ArgumentError, { layer: 'memory', argument: 'options', text: /apply takes one object/ })

  const mask = { layer: 'memory', argument: 'mask' }
  names(apply(x, { mask: 'x' }), ArgumentError, { ...mask, text: /^memory: mask must be numbers/ })
  names(apply(x, { mask: matrix(2, 2) }), ShapeError, {
    ...mask,
    text: /here \[2, 3\], not \[2, 2\]/,
  })
  names(apply(x, { mask: [1, 1] }), ShapeError, { ...mask, text: /\[batch, time\]/ })
})

test('initial states have the batch of the inputs', () => {
  const layer = new GRU({ units: 2, name: 'memory' })
  const state = { layer: 'memory', argument: 'initialState' }
  const one = matrix(1, 2)
  const text = /initial state 0 must be \[2, 2\], not \[1, 2\]/
  names(() => layer.apply(x, { initialState: one }), ShapeError, { ...state, text })
  names(() => layer.apply([tensor(x), tensor(one)]), ShapeError, { ...state, text })
})

test('weights that are too large are a MemoryError', () => {
  for (const units of [20000, 1e9])
    fails(() => new LSTM({ units }).apply(x), MemoryError, /no memory for \w*kernel \[.*GiB/)
})

test('sizes that 32 bits do not hold are refused, and never others', () => {
  for (const size of [2 ** 31, 2 ** 32 + 3, 2 ** 40]) {
    names(() => new LSTM({ units: size }), ArgumentError, {
      layer: 'LSTM',
      argument: 'units',
      text: /2147483647/,
    })
    const cell = { stateSize: size, call: (x: Tensor, [h]: [Tensor]) => [x, [h]] }
    fails(() => new RNN({ cell }), ArgumentError, /stateSize/)
    fails(() => new RNN({ cell: { ...cell, stateSize: 3, outputSize: size } }), ArgumentError, /outputSize/)
    fails(() => ops.oneHot([1], size), ArgumentError, /numClasses/)
  }
  createEngine({ maxBytes: 1e6 }).use(() => {
    fails(() => scope(() => ops.oneHot([1], 2 ** 28)), MemoryError, /no memory/)
    assert.equal(
      scope(() => ops.oneHot([1], 3).array()),
      [[0, 1, 0]],
    )
  })
})

test('weights are set from an array', () => {
  using layer = new Dense({ units: 1, name: 'out' })
  layer.build([null, 2])
  for (const values of [null, {}, 'ab'])
    names(() => layer.setWeights(values as never), ArgumentError, {
      layer: 'out',
      argument: 'weights',
      text: /has 2 weights/,
    })
  names(() => layer.setWeights([[1], [1]]), ShapeError, { layer: 'out', argument: 'weights', text: /kernel/ })
})

test('what only training has is told in one way', () => {
  using model = new Sequential([new Dense({ units: 1, inputShape: [2] })], { name: 'm' })
  const methods = ['compile', 'fit', 'evaluate', 'trainOnBatch', 'save', 'saveWeights'] as const
  for (const argument of methods)
    names(() => model[argument]('x'), UnsupportedError, { layer: 'm', argument, text: /are not there yet/ })
  const argument = 'loadWeights'
  const text = /loadWeights\(model, file\) of layer-rnn\/keras/
  names(() => model.loadWeights(new Uint8Array()), UnsupportedError, { layer: 'm', argument, text })
})

test('predict names the model and the argument', () => {
  using model = new Sequential([Input({ shape: [null, 4] }), new GRU({ units: 2 })], { name: 'm' })
  const inputs = { layer: 'm', argument: 'inputs' }
  const predict =
    (...args: unknown[]) =>
    () =>
      (model.predict as (...args: unknown[]) => unknown)(...args)
  names(predict(undefined), ArgumentError, { ...inputs, text: /^m: inputs must be numbers/ })
  names(predict([[[1, 2]]]), ShapeError, { ...inputs, text: /must have the shape \[null, null, 4\]/ })
  names(predict(none), ShapeError, { ...inputs, text: /at least one time step/ })
  names(predict(x, tensor(x)), ArgumentError, { layer: 'm', argument: 'options', text: /predict takes/ })
  const mask = { layer: 'm', argument: 'mask' }
  names(predict(x, { mask: [[1]] }), ShapeError, { ...mask, text: /mask must have the shape \[2, 3\]/ })
  names(() => model.apply(x, { mask: [[1]] }), ShapeError, { ...mask, text: /here \[2, 3\]/ })
  model.dispose()
  names(predict(x), DisposedError, { layer: 'm', text: /m has been disposed/ })
})

test('embeddings name the ids', () => {
  using layer = new Embedding({ inputDim: 10, outputDim: 2, name: 'words' })
  names(() => layer.apply([[0.5]]), ArgumentError, { layer: 'words', argument: 'inputs', text: /no 32-bit/ })
  assert.is(fails(() => layer.apply([[-1]]), ArgumentError, /^words: .*-1.*0 .* 9/).layer, 'words')
})

test('names of classes that are not known', () => {
  fails(() => deserialize({ class_name: 'Mine', config: {} }), UnsupportedError, /"Mine".*customObjects/)
  for (const name of [undefined, 'uniformm', 'toString'])
    fails(of(Initializer, name), ArgumentError, /no initializer/)
})

test('Input: instanceof', () => {
  const made = new Input({ shape: [1] })
  assert.instance(made, Input)
  assert.instance(Input({ shape: [1] }), Input)
  for (const other of [new Dense({ units: 1 }).apply(made), tensor([1]), {}, null])
    assert.not(other instanceof Input)
})

test('consoles print a layer in a line', () => {
  assert.is(inspect(new LSTM({ units: 2, name: 'memory' })), 'LSTM "memory"')
  using model = new Sequential([Input({ shape: [null, 4] }), new GRU({ units: 2 })], { name: 'm' })
  using stream = model.stream()
  assert.is(inspect([model, stream]), '[ Sequential "m", stream of Sequential "m" ]')
})

test('what errors are made with is not public', () => {
  for (const name of ['currentLayer', 'inLayer', 'named', 'show']) assert.not(name in entry)
})

test.run()
