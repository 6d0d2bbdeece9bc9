import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  Activation,
  ArgumentError,
  Dense,
  Dropout,
  Embedding,
  GRU,
  GRUCell,
  kerasModel,
  kerasModelSequential,
  LSTM,
  LSTMCell,
  layerActivation,
  layerDense,
  layerDropout,
  layerEmbedding,
  layerGru,
  layerInput,
  layerLstm,
  layerMasking,
  layerRnn,
  layerSimpleRnn,
  Masking,
  RNN,
  rnnCellGru,
  rnnCellLstm,
  rnnCellSimple,
  rnnCellsStack,
  SimpleRNN,
  SimpleRNNCell,
  StackedRNNCells,
  type SymbolicTensor,
  scope,
  type Tensor,
  tensor,
} from '../../ts/entry/api.js'
import { fails } from '../engine/support.js'
import { sequences } from '../support/random.js'

const x = sequences(2, 3, 4)

test('without an object: the layer', () => {
  for (const layer of [
    layerLstm({ units: 2 }),
    layerLstm(null, { units: 2 }),
    layerLstm(undefined, { units: 2 }),
  ]) {
    assert.instance(layer, LSTM)
  }
  const made = [
    layerSimpleRnn({ units: 2 }),
    layerGru({ units: 2 }),
    layerRnn({ cell: rnnCellGru({ units: 2 }) }),
    layerDense({ units: 2 }),
    layerActivation({ activation: 'relu' }),
    layerMasking({}),
    layerEmbedding({ inputDim: 2, outputDim: 2 }),
    layerDropout({ rate: 0.5 }),
  ]
  const classes = [SimpleRNN, GRU, RNN, Dense, Activation, Masking, Embedding, Dropout]
  for (const [i, layer] of made.entries()) assert.instance(layer, classes[i]!)
  assert.instance(rnnCellSimple({ units: 2 }), SimpleRNNCell)
  const cells = [rnnCellLstm({ units: 2 }), rnnCellGru({ units: 3 })] as const
  for (const stack of [rnnCellsStack(...cells), rnnCellsStack(cells)]) {
    assert.instance(stack, StackedRNNCells)
    assert.equal(stack.stateSize, [[2, 2], 3])
  }
  assert.instance(cells[0], LSTMCell)
  assert.instance(cells[1], GRUCell)
})

test('with a Sequential: it gets the layer and is returned', () => {
  const model = kerasModelSequential({ inputShape: [null, 4] })
  const same = layerDense(layerLstm(model, { units: 3 }), { units: 2, activation: 'softmax' })
  assert.is(same, model)
  assert.equal(
    model.layers.map(layer => layer.className),
    ['LSTM', 'Dense'],
  )
  assert.equal(model.predict(x).shape, [2, 2])
  model.dispose()
  const listed = kerasModelSequential({
    layers: [layerGru({ units: 2 })],
    inputBatchShape: [2, null, 4],
    name: 'listed',
  })
  assert.equal((listed.inputs as SymbolicTensor).shape, [2, null, 4])
  assert.is(listed.name, 'listed')
  listed.dispose()
})

test('with a tensor or an array: the output', () => {
  const input = layerInput({ shape: [null, 4] })
  const sequence = layerGru(input, { units: 3, returnSequences: true })
  assert.equal(sequence.shape, [null, null, 3])
  const [output, h, c] = layerLstm(
    sequence,
    { units: 2, returnState: true },
    { mask: layerInput({ shape: [null], dtype: 'bool' }) },
  )
  assert.equal([output.shape, h.shape, c.shape], Array(3).fill([null, 2]))
  const model = kerasModel({ inputs: input, outputs: layerDense(sequence, { units: 1 }) })
  assert.equal(model.predict(x).shape, [2, 3, 1])
  model.dispose()
})

test('with data, options of the call included', () => {
  scope(() => {
    const fromArray: Tensor = layerGru(
      x,
      { units: 3 },
      {
        initialState: [
          [1, 2, 3],
          [4, 5, 6],
        ],
      },
    )
    assert.equal(fromArray.shape, [2, 3])
    const fromTensor = layerRnn(tensor(x), {
      cell: [rnnCellLstm({ units: 2 }), rnnCellGru({ units: 3 })],
      returnState: true,
    })
    const [y, [h, c], g] = fromTensor
    assert.equal(
      [y.shape, h.shape, c.shape, g.shape],
      [
        [2, 3],
        [2, 2],
        [2, 2],
        [2, 3],
      ],
    )
  })
})

test('options of the call need something to be applied to', () => {
  const call = { mask: [[true]] }
  for (const object of [null, kerasModelSequential()]) {
    const error = fails(
      () => layerLstm(object as never, { units: 2 }, call as never),
      ArgumentError,
      /options of the call/,
    )
    assert.is(error.argument, 'object')
  }
  fails(() => layerLstm({ units: 2 } as never, { mask: 1 } as never), ArgumentError, /options of the call/)
  for (const object of [5, 'x', () => 1, new LSTM({ units: 2 })]) {
    fails(
      () => layerLstm(object as never, { units: 2 }),
      ArgumentError,
      /null .* a Sequential .* tensor or array/,
    )
  }
})

test.run()
