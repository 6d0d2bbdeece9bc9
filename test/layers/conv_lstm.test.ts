/** What ConvLSTM layers promise beside the numbers of Keras (test/fixtures/conv.test.ts). */
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scope } from '../../ts/engine/handle.js'
import {
  Bidirectional,
  ConvLSTM1D,
  ConvLSTM1DCell,
  ConvLSTM2D,
  ConvLSTM2DCell,
  ConvLSTM3D,
  ConvLSTM3DCell,
  deserialize,
  Input,
  LSTM,
  layerConvLstm1d,
  layerConvLstm2d,
  layerConvLstm3d,
  Masking,
  Model,
  ops,
  RNN,
  ShapeError,
  type SymbolicTensor,
  serialize,
  setRandomSeed,
  type Tensor,
  tensor,
  UnsupportedError,
} from '../../ts/entry/index.js'
import { ArgumentError } from '../../ts/errors.js'
import { balanced, fails, near } from '../engine/support.js'

const numbers = (...shape: number[]) => {
  const count = shape.reduce((product, size) => product * size, 1)
  return tensor(
    Float32Array.from({ length: count }, (_, i) => (((i * 37 + 11) % 64) / 32 - 1) * 0.8),
    shape,
  )
}

const Layers = [ConvLSTM1D, ConvLSTM2D, ConvLSTM3D]

test('over images of one pixel it is the LSTM', () => {
  const law = fc.property(
    fc.integer({ min: 0, max: 2 }),
    fc.integer({ min: 1, max: 3 }),
    fc.integer({ min: 1, max: 5 }),
    fc.integer({ min: 1, max: 5 }),
    fc.boolean(),
    fc.boolean(),
    (rank, batch, features, units, goBackwards, masked) => {
      balanced(() =>
        scope(() => {
          const x = numbers(batch, 4, features)
          const mask = masked
            ? (x.array() as number[][][]).map(row => row.map(([first]) => first! > -0.4))
            : null
          const shared = { returnSequences: true, returnState: true, goBackwards }
          const lstm = new LSTM({ units, ...shared })
          const conv = new Layers[rank]!({ filters: units, kernelSize: 1, ...shared })
          const pixels = Array(rank + 1).fill(1)
          const options = mask ? { mask } : {}
          const want = lstm.apply(x, options) as Tensor[]
          conv.build([batch, 4, ...pixels, features])
          conv.setWeights(
            conv.weights.map(({ shape }, i) => ops.reshape(lstm.weights[i]!, shape as number[])),
          )
          const made = conv.apply(ops.reshape(x, [batch, 4, ...pixels, features]), options) as Tensor[]
          for (const [i, y] of made.entries()) near([...y.data()], [...want[i]!.data()], 1e-6)
          lstm.dispose()
          conv.dispose()
        }),
      )
    },
  )
  fc.assert(law, { numRuns: 30 })
})

test('a sequence, its rows alone and its steps have the same bits', async () => {
  const x = numbers(2, 5, 4, 4, 2)
  const input = Input({ shape: [null, 4, 4, 2] })
  const layer = new ConvLSTM2D({ filters: 3, kernelSize: 3, padding: 'same', returnSequences: true })
  const model = new Model({ inputs: input, outputs: layer.apply(input) })
  const whole = model.predict(x)
  const row = model.predict(ops.slice(x, [1], [1]))
  assert.equal(row.data, whole.data.slice(whole.data.length / 2))
  const stream = model.stream({ batch: 2 })
  scope(() => {
    for (let t = 0; t < 5; t++) {
      const step = ops.squeeze(ops.slice(x, [0, t], [null, 1]), 1)
      const want = ops.squeeze(ops.slice(tensor(whole.data, whole.shape), [0, t], [null, 1]), 1)
      assert.equal(stream.step(step), want.data())
    }
  })
  stream.dispose()
  model.dispose()
  x.dispose()
})

test('images of unknown size', () => {
  for (const options of [{}, { padding: 'same' }, { strides: 2 }] as const) {
    const input = Input({ shape: [null, null, null, 2] })
    const layer = new ConvLSTM2D({ filters: 3, kernelSize: 2, returnState: true, ...options })
    const outputs = layer.apply(input)
    assert.equal(outputs[1].shape, [null, null, null, 3])
    const model = new Model({ inputs: input, outputs })
    scope(() => {
      for (const sizes of [
        [5, 4],
        [3, 7],
      ]) {
        const x = numbers(2, 3, ...sizes, 2)
        const known = new ConvLSTM2D({ filters: 3, kernelSize: 2, returnState: true, ...options })
        known.build(x.shape)
        known.setWeights(layer.weights.map(weight => weight.read()))
        const want = known.apply(x)
        for (const [i, y] of model.predict(x).entries()) assert.equal(y.data, want[i]!.data())
        known.dispose()
      }
    })
    model.dispose()
  }
})

test('cells in RNN and stacks, Bidirectional, stateful, dropout', () => {
  scope(() => {
    const x = numbers(2, 3, 5, 2)
    const cells = [1, 2].map(() => new ConvLSTM1DCell({ filters: 3, kernelSize: 2, padding: 'same' }))
    const stack = new RNN({ cell: cells, returnState: true })
    const [first, second] = cells.map(
      () => new ConvLSTM1D({ filters: 3, kernelSize: 2, padding: 'same', returnSequences: true }),
    )
    const [y] = stack.apply(x) as Tensor[]
    const between = first!.apply(x)
    second!.apply(between)
    first!.setWeights(cells[0]!.weights.map(w => w.read()))
    second!.setWeights(cells[1]!.weights.map(w => w.read()))
    const all = second!.apply(first!.apply(x))
    assert.equal(y!.data(), ops.squeeze(ops.slice(all, [0, 2], [null, 1]), 1).data())
    const both = new Bidirectional({ layer: new ConvLSTM1D({ filters: 3, kernelSize: 2 }) })
    assert.equal(both.apply(x).shape, [2, 4, 6])

    const stateful = new ConvLSTM1D({ filters: 3, kernelSize: 2, stateful: true })
    const once = new ConvLSTM1D({ filters: 3, kernelSize: 2 })
    stateful.apply(x)
    once.apply(x)
    once.setWeights(stateful.weights.map(w => w.read()))
    assert.equal(stateful.apply(x).data(), once.apply(ops.concatenate([x, x], 1)).data())

    setRandomSeed(1)
    const dropping = new ConvLSTM1D({ filters: 3, kernelSize: 2, dropout: 0.4, recurrentDropout: 0.3 })
    const plain = dropping.apply(x).data()
    const dropped = dropping.apply(x, { training: true }).data()
    assert.is.not(String(dropped), String(plain))
    assert.is.not(String(dropping.apply(x, { training: true }).data()), String(dropped))
  })
})

test('configs and weights go round; R writes it too', () => {
  scope(() => {
    const options = {
      filters: 2,
      kernelSize: [2, 3],
      strides: [1, 2],
      padding: 'same',
      dataFormat: 'channelsFirst',
    } as const
    const layer = new ConvLSTM2D({ ...options, unitForgetBias: false, recurrentActivation: 'hardSigmoid' })
    const config = layer.getConfig()
    assert.equal(config.kernel_size, [2, 3])
    assert.equal(config.dilation_rate, [1, 1])
    assert.is(config.data_format, 'channels_first')
    assert.is(layer.name.replace(/_\d+$/, ''), 'conv_lstm2d')
    const again = deserialize(serialize(layer)) as ConvLSTM2D
    assert.equal(again.getConfig(), config)
    const x = numbers(1, 2, 3, 4, 5)
    const y = layer.apply(x)
    assert.equal(y.shape, [1, 2, 4, 3])
    assert.equal(layer.stateSize, [
      [2, 4, 3],
      [2, 4, 3],
    ])
    assert.equal(
      layer.weights.map(w => w.shape),
      [[2, 3, 3, 8], [2, 3, 2, 8], [8]],
    )
    assert.equal(layer.weights[2]!.data(), new Float32Array(8))
    assert.equal(layerConvLstm1d(numbers(1, 2, 5, 1), { filters: 2, kernelSize: 3 }).shape, [1, 3, 2])
    assert.equal(layerConvLstm2d(x, { filters: 2, kernelSize: 3, padding: 'same' }).shape, [1, 3, 4, 2])
    assert.equal(
      layerConvLstm3d(numbers(1, 2, 2, 2, 2, 1), { filters: 2, kernelSize: 1 }).shape,
      [1, 2, 2, 2, 2],
    )
  })
})

test('masks of single positions are refused', () => {
  const x = Input({ shape: [4, 6, 2] })
  const layer = new ConvLSTM1D({ filters: 3, kernelSize: 2, name: 'see' })
  using model = new Model({ inputs: x, outputs: layer.apply(new Masking().apply(x)) as SymbolicTensor })
  const data = new Float32Array(4 * 6 * 2)
  const error = fails(() => model.predict(data), UnsupportedError, /see: masks of single positions/)
  assert.equal([error.layer, error.argument], ['see', 'mask'])
})

test('what does not fit is named', () => {
  const cell = (options: object) => new ConvLSTM2DCell({ filters: 2, kernelSize: 2, ...options })
  fails(
    () => cell({ kernelSize: [2] }),
    ArgumentError,
    /kernelSize must be a positive integer up to \d+, or 2 of them/,
  )
  fails(() => cell({ strides: 0 }), ArgumentError, /strides/)
  fails(() => cell({ padding: 'causal' }), ArgumentError, /padding must be one of valid, same/)
  fails(() => cell({ filters: undefined }), ArgumentError, /needs "filters"/)
  scope(() => {
    const layer = new ConvLSTM2D({ filters: 2, kernelSize: 4 })
    fails(() => layer.apply(numbers(1, 2, 3, 4)), ShapeError, /needs inputs with 5 axes/)
    fails(() => layer.apply(numbers(1, 2, 3, 4, 2)), ShapeError, /at least as large as the kernel/)
    layer.apply(numbers(1, 2, 4, 4, 2))
    fails(() => layer.apply(numbers(1, 2, 4, 4, 3)), ShapeError, /2 in axis 4/)
    fails(
      () => layer.apply(numbers(1, 2, 4, 4, 2), { initialState: [numbers(1, 2), numbers(1, 2)] }),
      ShapeError,
      /initial state/,
    )
    const stateful = new ConvLSTM2D({ filters: 2, kernelSize: 2, stateful: true })
    const input = Input({ batchShape: [2, null, null, 4, 2] })
    fails(() => stateful.apply(input), ShapeError, /images of known size/)
  })
})

test("Keras 3's ConvLSTMCell is the cell of as many axes as its kernel has", () => {
  const config = { filters: 2, kernel_size: [2, 3], strides: [1, 1], name: 'conv_lstm_cell', padding: 'same' }
  const of = (more: object = {}) =>
    deserialize({ class_name: 'ConvLSTMCell', config: { ...config, ...more } })
  assert.instance(of(), ConvLSTM2DCell)
  assert.is(of().name, 'conv_lstm_cell')
  assert.instance(of({ kernel_size: [2], strides: [1] }), ConvLSTM1DCell)
  assert.instance(of({ rank: 3, kernel_size: 2, strides: 1 }), ConvLSTM3DCell)
  fails(() => of({ rank: 4 }), ArgumentError, /ConvLSTMCell: rank must be 1, 2 or 3/)
})

test.run()
