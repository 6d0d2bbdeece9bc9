/** HDF5 files of Keras 1 to 3: whole models answer as Keras did, weights find their layers, damaged files end in typed errors. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/index.js'
import { loadModelSync, loadWeights } from '../../ts/entry/keras.js'
import { ArgumentError, ImportError, LayerRnnError, StateError, UnsupportedError } from '../../ts/errors.js'
import { deserialize } from '../../ts/layers/builtin.js'
import { Layer } from '../../ts/layers/layer.js'
import type { Model } from '../../ts/models/model.js'
import { Sequential } from '../../ts/models/sequential.js'
import { multiply } from '../../ts/ops/index.js'
import type { Shape } from '../../ts/tensor/shape.js'
import type { SymbolicTensor, Variable } from '../../ts/tensor/tensor.js'
import { milliseconds } from '../support/time.js'
import { assertAnswers, h5Names, handles, type Json, modelFile, read, readJson } from './files.js'

/** In a Buffer, as files are read in Node. */
const file = (name: string) => Buffer.from(read(`../h5/${name}.h5`))
const weightsOnly = (name: string) => /(\.weights|_older)$/.test(name)
/** Files whose answers are another one's. */
const sources: Record<string, string> = {
  no_reset_after: 'embedding_keras2',
  no_reset_after_true: 'masking_keras2',
  repacked: 'masking_keras2',
  chunked: 'masking_keras2',
  list_config: 'masking_keras2',
  named_as_tfjs: 'cells_keras2',
  keras1: '../h5/keras1',
  cudnn: '../h5/cudnn',
  frozen: '../h5/frozen',
  paths: '../h5/paths',
}

class Scale extends Layer {
  scale!: Variable
  override build(shape: Shape): void {
    this.scale = this.addWeight({ shape: [shape.at(-1)], name: 'scale', initializer: 'ones' })
  }
  override call(inputs: SymbolicTensor): SymbolicTensor {
    return multiply(inputs, this.scale)
  }
}

const load = (bytes: Uint8Array) =>
  loadModelSync<never>(bytes, { customObjects: { ScaleBy: Scale, 'Mine>Gain': Scale } })

for (const name of h5Names.filter(each => !weightsOnly(each))) {
  test(`${name}.h5 answers as Keras did`, () => {
    const before = handles()
    const model = load(file(name))
    assertAnswers(model, readJson(`${sources[name] ?? name}.json`))
    model.dispose()
    assert.equal(handles(), before, 'live handles')
  })
}

for (const name of h5Names.filter(weightsOnly)) {
  test(`${name}.h5: weights into a model that is there`, () => {
    const source = name.replace(/(\.weights|_older)$/, '')
    const model = load(modelFile(source))
    for (const weight of model.weights) weight.assign(new Float32Array(weight.read().data.length))
    loadWeights(model, file(name))
    assertAnswers(model, readJson(`${source}.json`))
    model.dispose()
  })
}

test('weights of whole models, in every kind of file', () => {
  for (const bytes of [modelFile('masking_keras3'), file('masking_keras3'), file('repacked')]) {
    const model = load(modelFile('masking_keras2'))
    loadWeights(model, bytes)
    const other = load(bytes)
    assert.equal(
      model.getWeights().map(({ data }) => [...data]),
      other.getWeights().map(({ data }) => [...data]),
    )
    model.dispose()
    other.dispose()
  }
})

test('weights into a model whose input is not known yet', () => {
  const source = load(modelFile('masking_keras3'))
  const config = source.getConfig() as { layers: { class_name: string }[] }
  const layers = config.layers.filter(({ class_name: name }) => name !== 'InputLayer')
  const model = new Sequential(layers.map(each => deserialize(each)))
  for (const bytes of [modelFile('masking_keras3'), file('masking_keras3'), file('cells_keras3.weights')]) {
    assert.throws(
      () => loadWeights(model as unknown as Model, bytes),
      (e: Error) =>
        e instanceof StateError && /sequential is not built: its input shape is not known/.test(e.message),
    )
  }
  source.dispose()
})

test('weights that are not the model’s change nothing', () => {
  const model = load(modelFile('masking_keras2'))
  const before = model.getWeights().map(({ data }) => [...data])
  for (const name of [
    'cells_keras2_older',
    'cells_keras3.weights',
    'cells_keras2',
    'seq2seq_keras2.weights',
  ]) {
    assert.throws(
      () => loadWeights(model, file(name)),
      (e: Error) => e instanceof ImportError,
    )
  }
  assert.throws(
    () => loadWeights({} as never, file('repacked')),
    (e: Error) => e instanceof ArgumentError,
  )
  assert.equal(
    model.getWeights().map(({ data }) => [...data]),
    before,
  )
  model.dispose()
})

test('a file of weights is no model', () => {
  for (const name of ['cells_keras2_older', 'cells_keras3.weights'])
    assert.throws(
      () => load(file(name)),
      (e: Error) => e instanceof ImportError && /loadWeights/.test(e.message),
    )
})

test('the arguments of Keras 1 in the names of Keras 3', () => {
  const model = load(file('keras1'))
  const config = (name: string) => model.getLayer(name).getConfig() as Json
  assert.is(config('lstm_1').recurrent_activation, 'hard_sigmoid_keras2')
  assert.is(config('lstm_1').kernel_regularizer.class_name, 'L1L2')
  assert.is(config('lstm_1').kernel_regularizer.config.l2, 0.01)
  assert.is(config('lstm_1').dropout, 0.2)
  assert.is(config('lstm_1').unit_forget_bias, true)
  assert.is(config('gru_1').reset_after, false)
  assert.is(config('simplernn_1').go_backwards, true)
  assert.is(config('dropout_1').rate, 0.25)
  assert.is(config('dense_1').kernel_constraint.class_name, 'MaxNorm')
  assert.is(config('dense_1').kernel_constraint.config.max_value, 2)
  model.dispose()
})

test('layers of cuDNN become plain ones', () => {
  const model = load(file('cudnn'))
  assert.equal(
    model.layers.filter(layer => layer.weights.length > 0).map(layer => layer.className),
    ['LSTM', 'GRU', 'LSTM'],
  )
  assert.is((model.getLayer('b').getConfig() as Json).reset_after, true)
  assert.is((model.getLayer('c').getConfig() as Json).go_backwards, true)
  model.dispose()
})

test('a GRU that does not say its form has that of its bias', () => {
  for (const [name, after] of [
    ['no_reset_after', false],
    ['no_reset_after_true', true],
  ] as const) {
    const model = load(file(name))
    const gru = model.layers.find(layer => layer.className === 'GRU')!
    assert.is((gru.getConfig() as Json).reset_after, after)
    model.dispose()
  }
})

/** Ends well or in an error of ours, soon, with nothing left alive. */
function survives(bytes: Uint8Array): void {
  const before = handles()
  const start = process.cpuUsage()
  try {
    load(bytes).dispose()
  } catch (error) {
    assert.ok(error instanceof LayerRnnError, String((error as Error)?.stack ?? error))
    assert.ok(
      error instanceof ImportError || error instanceof UnsupportedError,
      `${error.name}: ${error.message}`,
    )
  }
  assert.equal(handles(), before, 'live handles')
  const spent = milliseconds(start)
  assert.ok(spent < 3000, `${spent} ms`)
}

for (const name of ['keras1', 'repacked', 'embedding_keras2']) {
  test(`${name}.h5, cut and damaged`, () => {
    const whole = file(name)
    for (let i = 1; i < 60; i++) survives(whole.subarray(0, Math.floor((whole.length * i) / 60)))
    let state = 9
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return Math.floor((state / 2 ** 32) * below)
    }
    for (let i = 0; i < 250; i++) {
      const bytes = whole.slice()
      for (let k = 0; k <= i % 3; k++) {
        const at = random(bytes.length - 8)
        if (i % 2) bytes[at] = random(256)
        else new DataView(bytes.buffer).setBigUint64(at, BigInt(random(2 ** 31)), true)
      }
      survives(bytes)
    }
  })
}

test.run()
