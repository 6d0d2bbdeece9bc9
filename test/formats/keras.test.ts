import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/index.js'
import { currentEngine } from '../../ts/engine/engine.js'
import { type LoadOptions, loadModelSync } from '../../ts/entry/keras.js'
import { ImportError, type LayerRnnError, UnsupportedError } from '../../ts/errors.js'
import { jsonLimits, readJson as parse } from '../../ts/formats/keras/config.js'
import { groupName } from '../../ts/formats/keras/weights.js'
import { Layer } from '../../ts/layers/layer.js'
import { registerSerializable } from '../../ts/layers/registry.js'
import { multiply } from '../../ts/ops/index.js'
import { NdArray } from '../../ts/tensor/ndarray.js'
import type { Shape } from '../../ts/tensor/shape.js'
import type { SymbolicTensor, Variable } from '../../ts/tensor/tensor.js'
import { numbersOf } from '../fixtures/replay.js'
import {
  assertAnswers,
  handles,
  type Json,
  modelFile,
  modelNames,
  read,
  readJson,
  reconfigured,
  repacked,
} from './files.js'

/** A failed load: its class, what it says, and no handle left behind. */
function refused(
  bytes: Uint8Array,
  kind: new (...args: never[]) => LayerRnnError,
  ...words: (string | RegExp)[]
): LayerRnnError {
  const before = handles()
  let error: unknown
  try {
    loadModelSync(bytes).dispose()
  } catch (thrown) {
    error = thrown
  }
  assert.ok(error instanceof kind, `a ${kind.name}, not ${error}`)
  for (const word of words) assert.match(error.message, word)
  assert.equal(handles(), before, 'live handles')
  return error
}

/** The layer of a user in the files `custom_keras2` and `custom_keras3`. */
class Scale extends Layer {
  scale!: Variable
  override build(shape: Shape): void {
    this.scale = this.addWeight({ shape: [shape.at(-1)], name: 'scale', initializer: 'ones' })
  }
  override call(inputs: SymbolicTensor): SymbolicTensor {
    return multiply(inputs, this.scale)
  }
}

for (const name of modelNames) {
  test(`${name} answers as Keras did`, () => {
    const before = handles()
    const model = loadModelSync<never>(modelFile(name), { customObjects: { ScaleBy: Scale } })
    assertAnswers(model, readJson(`${name}.json`))
    model.dispose()
    assert.equal(handles(), before, 'live handles')
  })
}

test('classes of the user', () => {
  const load = (options?: LoadOptions) => loadModelSync(modelFile('custom_keras3'), options).dispose()
  refused(modelFile('custom_keras3'), UnsupportedError, 'ScaleBy')
  load({ customObjects: { 'Mine>Gain': Scale } })
  registerSerializable(Scale, { package: 'Mine', name: 'Gain' })
  load()
})

test('names that classes, merge layers and ops share', () => {
  const changed = (name: string, change: (layer: Json) => void, file = 'merge_keras3') =>
    reconfigured(file, ({ config }) => change(config.layers.find((each: Json) => each.class_name === name)))
  const users = (layer: Json) => Object.assign(layer, { module: 'mine', registered_name: 'Mine>Add' })
  refused(changed('Add', users), UnsupportedError, /registered as "Mine>Add".*class of a user.*customObjects/)
  const foreign = (layer: Json) => Object.assign(layer, { module: 'mine', registered_name: layer.class_name })
  refused(changed('GRU', foreign), UnsupportedError, /"GRU" is a class of a user/)
  const another = (layer: Json) => Object.assign(layer, { class_name: 'Attention' })
  const { message } = refused(
    changed('Add', another),
    UnsupportedError,
    "Keras's layer Attention is not supported",
  )
  assert.not.match(message, 'customObjects')
  const op = (layer: Json) => {
    layer.module = 'keras.src.ops.numpy'
    layer.config = { name: layer.name }
    layer.inbound_nodes[0].args = layer.inbound_nodes[0].args[0]
  }
  refused(changed('Add', op), ImportError, 'the op Add takes 2 operands, not 3')
  const third = (layer: Json) => layer.inbound_nodes[0].args[0].push(layer.inbound_nodes[0].args[0][0])
  refused(changed('Subtract', third), ImportError, '2 tensors')
  const masked = (layer: Json) => {
    layer.class_name = 'Maximum'
  }
  const model = loadModelSync<never>(changed('Subtract', masked))
  const { inputs } = readJson<Json>('merge_keras3.json')
  assert.throws(
    () => model.predict(new NdArray(Float32Array.from(numbersOf(inputs[0])), [3, 5, 3])),
    (e: Error) => e instanceof UnsupportedError && /masks of the inputs of Maximum/.test(e.message),
  )
  model.dispose()
})

test('archives packed with deflate', () => {
  loadModelSync(repacked('cells_keras3', () => {}, 6)).dispose()
})

test('each file of the archive must be there', () => {
  for (const name of ['metadata.json', 'config.json', 'model.weights.h5']) {
    const error = refused(
      repacked('single_keras3', files => delete files[name]),
      ImportError,
      name,
    )
    assert.is((error as ImportError).path, name)
  }
})

test('an HDF5 file is told from a damaged one', () => {
  refused(read('tree.h5'), ImportError, 'the HDF5 file', 'layers')
  refused(read('tree.h5').subarray(0, 6), ImportError, 'neither')
})

test('versions', () => {
  const version = (value: unknown) =>
    repacked('single_keras3', files => {
      files['metadata.json'] = new TextEncoder().encode(JSON.stringify({ keras_version: value }))
    })
  refused(version('1.2.2'), UnsupportedError, '1.2.2')
  refused(version('4.0.0'), UnsupportedError, '4.0.0')
  refused(version(3), ImportError, 'keras_version')
})

test('the hard sigmoid of the family that wrote the file', () => {
  for (const [family, name] of [
    [3, 'hard_sigmoid'],
    [2, 'hard_sigmoid_keras2'],
  ] as const) {
    const model = loadModelSync(modelFile(`options_keras${family}`))
    const config = model.layers.filter(layer => layer.weights.length > 0).map(layer => layer.getConfig())
    assert.is(config[0]!.recurrent_activation, name)
    assert.is(config[2]!.activation, name)
    model.dispose()
  }
})

test('regularizers, constraints, dropout and initializers are kept', () => {
  for (const family of [2, 3]) {
    const model = loadModelSync(modelFile(`options_keras${family}`))
    const config = model.layers.find(layer => layer.className === 'LSTM')!.getConfig() as Json
    assert.is(config.dropout, 0.2)
    assert.is(config.recurrent_dropout, 0.1)
    assert.is(config.kernel_regularizer.class_name, 'L2')
    assert.is(config.recurrent_regularizer.class_name, 'L1')
    assert.is(config.bias_regularizer.class_name, 'L1L2')
    assert.ok(Math.abs(config.bias_regularizer.config.l2 - 0.2) < 1e-7)
    assert.is(config.activity_regularizer.class_name, 'L2')
    assert.is(config.kernel_constraint.class_name, 'MaxNorm')
    assert.is(config.kernel_constraint.config.max_value, 2)
    assert.is(config.recurrent_constraint.class_name, 'UnitNorm')
    assert.is(config.bias_constraint.class_name, 'NonNeg')
    assert.is(config.kernel_initializer.class_name, 'RandomNormal')
    assert.is(config.kernel_initializer.config.stddev, 0.3)
    model.dispose()
  }
})

test('the layers keep their names', () => {
  const model = loadModelSync(modelFile('masking_keras2'))
  assert.is(model.getLayer('think').className, 'GRU')
  model.dispose()
})

test('layers and arguments that are not supported are named', () => {
  const changed = (change: (layer: Json, config: Json) => void, name = 'masking_keras3') =>
    reconfigured(name, config => change(config.config.layers[2], config))
  let error = refused(
    changed(layer => (layer.class_name = 'Conv1D')),
    UnsupportedError,
    'Conv1D',
  )
  assert.is(error.layer, 'Conv1D')
  error = refused(
    changed(layer => (layer.config.peephole = true)),
    UnsupportedError,
    'peephole',
  )
  assert.is(error.argument, 'peephole')
  assert.match(String(error.layer), /LSTM|listen/)
  error = refused(
    changed(layer => (layer.config.dynamic = true)),
    UnsupportedError,
    'dynamic',
  )
  assert.is(error.argument, 'dynamic')
  error = refused(
    changed(layer => (layer.config.activation = 'my_activation')),
    UnsupportedError,
    'my_activation',
  )
  assert.is(error.argument, 'activation')
  error = refused(
    changed(layer => (layer.config.dtype.config.name = 'mixed_bfloat16')),
    UnsupportedError,
    'dtype',
  )
  assert.is(error.argument, 'dtype')
  refused(
    changed(layer => (layer.config.dtype = 'float16'), 'masking_keras2'),
    UnsupportedError,
    'dtype',
  )
  refused(
    reconfigured('single_keras3', config => (config.class_name = 'MyModel')),
    UnsupportedError,
    'MyModel',
  )
})

test('configs that make no sense', () => {
  const layer = (change: (layer: Json) => void) =>
    reconfigured('masking_keras3', config => change(config.config.layers[2]))
  const error = refused(
    layer(each => (each.config.units = 'five')),
    ImportError,
    'units',
  )
  assert.is((error as ImportError).path, 'config.json/layers/2 ("listen")')
  refused(
    layer(each => delete each.config.units),
    ImportError,
    'units',
  )
  refused(
    layer(each => (each.config.units = 1e9)),
    ImportError,
  )
  refused(
    layer(each => delete each.config),
    ImportError,
    'layers/2',
  )
  refused(
    layer(each => (each.config = null)),
    ImportError,
    'layers/2',
  )
  refused(
    reconfigured('masking_keras3', config => (config.config.layers = 7)),
    ImportError,
    'layers',
  )
  refused(
    reconfigured('masking_keras3', config => (config.config.layers = [])),
    ImportError,
  )
  refused(
    reconfigured('single_keras3', config => (config.config.output_layers = ['nobody', 0, 0])),
    ImportError,
    'nobody',
  )
  refused(
    reconfigured('single_keras2', config => (config.config.layers[1].inbound_nodes = [[['only', 0, 0, {}]]])),
    ImportError,
  )
  const file = (name: string, text: string) =>
    repacked('single_keras3', files => {
      files[name] = new TextEncoder().encode(text)
    })
  refused(file('config.json', '{"class_name": "Sequential"'), ImportError, 'config.json')
  refused(file('config.json', '[]'), ImportError, 'config.json')
  refused(file('config.json', '{}'), ImportError, 'config.json')
  refused(file('config.json', `${'['.repeat(1e6)}`), ImportError, 'nested')
  refused(file('config.json', '\ud800'.repeat(3)), ImportError)
})

test('what stands in strings nests nothing', () => {
  const json = (text: string) => parse(new TextEncoder().encode(text), 'config.json')
  const own = { [`"]}\\${'['.repeat(200)}`]: `\\\\"${'{'.repeat(200)}\\`, b: '"' }
  assert.equal(json(JSON.stringify(own)), own)
  const deep = `{"a\\\\": "]\\"]]]", "b": ${'['.repeat(jsonLimits.depth)}`
  assert.throws(() => json(deep), /nested deeper/)
  assert.throws(() => json('{"a\\"'), /is no JSON/)
})

test('configs that ask for too much', () => {
  const { memory } = currentEngine().raw
  const size = memory.buffer.byteLength
  const units = (n: number) =>
    reconfigured('masking_keras3', config => (config.config.layers[2].config.units = n))
  // 324 MB, 4 TB: refused before the memory is taken.
  for (const n of [4500, 500_000]) refused(units(n), ImportError, 'larger than the weights')
  const many = (key: string, count: number) =>
    reconfigured('single_keras2', config => {
      const node = config.config.layers[1][key]
      config.config.layers[1][key] = Array(count).fill(node[0])
    })
  refused(many('inbound_nodes', 1e5), ImportError, 'limit')
  assert.is(memory.buffer.byteLength, size, 'memory')
})

test('weights and config that do not belong together', () => {
  const from = (other: string, name = 'masking_keras3') => {
    let weights: Uint8Array
    repacked(other, files => (weights = files['model.weights.h5']!))
    return repacked(name, files => (files['model.weights.h5'] = weights))
  }
  refused(from('cells_keras3'), ImportError, 'layers/')
  refused(from('single_keras3'), ImportError, 'layers/')
  refused(
    reconfigured('masking_keras3', config => (config.config.layers[2].config.units = 6)),
    ImportError,
    'shape',
  )
  const error = refused(
    reconfigured('masking_keras3', config => (config.config.layers[2].config.use_bias = false)),
    ImportError,
  )
  assert.is((error as ImportError).path, 'layers/lstm/cell/vars/2')
  refused(
    reconfigured('counters_keras2', config => config.config.layers.pop()),
    ImportError,
    'dense_12',
  )
})

test('names of groups', () => {
  const names = {
    SimpleRNNCell: 'simple_rnn_cell',
    GRU: 'gru',
    StackedRNNCells: 'stacked_rnn_cells',
    Conv1D: 'conv1d',
    ConvLSTM2D: 'conv_lstm2d',
  }
  for (const [name, group] of Object.entries(names)) assert.is(groupName(name), group)
  assert.is(groupName('Custom>MinimalRNNCell'), 'minimal_rnn_cell')
})

test('as in Keras, the input shape of a layer that others feed does not count', () => {
  const bytes = reconfigured('masking_keras2', config => {
    const own = config.config.layers.filter((each: Json) => each.class_name !== 'InputLayer')
    for (const layer of own.slice(1)) layer.config.batch_input_shape = [7, 7, 7]
  })
  const model = loadModelSync(bytes)
  assertAnswers(model, readJson('masking_keras2.json'))
  model.dispose()
})

test.run()
