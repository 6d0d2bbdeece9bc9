/** What Keras and its like refuse of the recurrent layers, one by one: by class, code, layer and argument. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  ArgumentError,
  Bidirectional,
  Dense,
  GRU,
  Input,
  type LayerRnnError,
  LSTM,
  LSTMCell,
  layerCudnnLstm,
  Model,
  ops,
  RNN,
  Sequential,
  ShapeError,
  SimpleRNN,
  StackedRNNCells,
  StateError,
  scope,
  TimeDistributed,
  tensor,
  UnsupportedError,
} from '../../ts/entry/api.js'
import { fails } from '../engine/support.js'
import { matrix, sequences } from '../support/random.js'

const [batch, time, features, units] = [2, 5, 3, 4]
const x = sequences(batch, time, features)
const state = matrix(batch, units)
const call = (y: unknown) => [y, [y]]
const gru = (options = {}) => new GRU({ units, name: 'g', ...options })
const both = (options: object) => new Bidirectional({ layer: gru(), name: 'b', ...options } as never)
const backwards = (options = {}) => new GRU({ units, goBackwards: true, ...options })
const stateful = (options = {}) =>
  gru({ stateful: true, batchInputShape: [batch, null, features], ...options })
const carrying = (options = {}) => {
  const layer = gru({ stateful: true, ...options })
  layer.apply(x)
  return layer
}
const model = () => new Sequential([stateful()], { name: 'm' })

type Class = new (...args: never[]) => LayerRnnError
type Case = [what: string, work: () => unknown, Class: Class, layer: string | undefined, argument: string]

const cases: Case[] = [
  // options
  ['an option that is not known', () => gru({ foo: 1 }), ArgumentError, 'GRU', 'foo'],
  ['no units', () => new LSTM({} as never), ArgumentError, 'LSTM', 'units'],
  ['units that are none', () => gru({ units: 1.5 }), ArgumentError, 'GRU', 'units'],
  [
    'gates of a layer without',
    () => new SimpleRNN({ units, recurrentActivation: 'tanh' } as never),
    ArgumentError,
    'SimpleRNN',
    'recurrentActivation',
  ],
  [
    'the reset of an LSTM',
    () => new LSTM({ units, resetAfter: true } as never),
    ArgumentError,
    'LSTM',
    'resetAfter',
  ],
  [
    'an option of cuDNN',
    () => layerCudnnLstm({ units, unroll: true } as never),
    ArgumentError,
    'CuDNNLSTM',
    'unroll',
  ],
  ...[
    'returnSequences',
    'returnState',
    'goBackwards',
    'stateful',
    'unroll',
    'timeMajor',
    'zeroOutputForMask',
    'useBias',
    'resetAfter',
    'trainable',
  ].map(
    (name): Case => [`${name} neither true nor false`, () => gru({ [name]: 1 }), ArgumentError, 'GRU', name],
  ),
  ...['dropout', 'recurrentDropout'].flatMap(name =>
    [-0.1, 1.1, Number.NaN].map(
      (rate): Case => [`${name} ${rate}`, () => gru({ [name]: rate }), ArgumentError, 'GRU', name],
    ),
  ),
  [
    'the forget bias',
    () => new LSTM({ units, unitForgetBias: 1 as never }),
    ArgumentError,
    'LSTM',
    'unitForgetBias',
  ],
  ['implementation', () => gru({ implementation: 3 }), ArgumentError, 'GRU', 'implementation'],
  ...[
    'activation',
    'recurrentActivation',
    'kernelInitializer',
    'recurrentInitializer',
    'biasInitializer',
    'kernelRegularizer',
    'recurrentRegularizer',
    'biasRegularizer',
    'activityRegularizer',
    'kernelConstraint',
    'recurrentConstraint',
    'biasConstraint',
  ].map(
    (name): Case => [
      `${name} that is not known`,
      () => gru({ [name]: 'nothing' }),
      ArgumentError,
      'GRU',
      name,
    ],
  ),
  ['a dtype', () => gru({ dtype: 'float16' }), UnsupportedError, 'GRU', 'dtype'],
  ['sizes of the input', () => gru({ inputShape: 3 }), ArgumentError, 'GRU', 'inputShape'],
  ['features of the input', () => gru({ inputDim: 0 }), ArgumentError, 'GRU', 'inputDim'],
  ['the length of the input', () => gru({ inputLength: -1 }), ArgumentError, 'GRU', 'inputLength'],
  ...[1.5, Number.NaN, -1].map(
    (seed): Case => [`the seed ${seed}`, () => gru({ seed }), ArgumentError, 'GRU', 'seed'],
  ),
  ...[
    () => stateful().apply(sequences(3, time, features)),
    () => stateful().apply(sequences(batch, time, 2)),
    () => stateful().apply(Input({ batchShape: [3, null, features] })),
    () => new Sequential([Input({ batchShape: [3, null, features] }), stateful()]),
    () => gru({ inputLength: 4 }).build([null, 5, 2]),
  ].map((work): Case => ['other sizes than its own', work, ShapeError, 'g', 'batchInputShape']),
  ['too few weights', () => gru({ weights: [[1]] }).apply(x), ArgumentError, 'g', 'weights'],
  // cells
  ['no cell', () => new RNN({} as never), ArgumentError, 'RNN', 'cell'],
  ['a cell that is null', () => new RNN({ cell: null as never }), ArgumentError, 'RNN', 'cell'],
  ['a cell without call', () => new RNN({ cell: { stateSize: 1 } as never }), ArgumentError, 'RNN', 'cell'],
  ['a cell without stateSize', () => new RNN({ cell: { call } as never }), ArgumentError, 'RNN', 'cell'],
  [
    'a stateSize that is none',
    () => new RNN({ cell: { call, stateSize: 'a' } as never }),
    ArgumentError,
    'RNN',
    'stateSize',
  ],
  ['a layer as a cell', () => new RNN({ cell: gru() as never }), ArgumentError, 'RNN', 'cell'],
  ['a stack of nothing', () => new StackedRNNCells({ cells: [] }), ArgumentError, undefined, 'cells'],
  [
    'first states without a batch',
    () => gru().getInitialState(undefined as never),
    ArgumentError,
    'g',
    'batchSize',
  ],
  // calls
  ['no third axis', () => gru().apply(x[0]!), ShapeError, 'g', 'inputs'],
  ['a fourth axis', () => gru().apply([x, x]), ShapeError, 'g', 'inputs'],
  ['other features', () => carrying().apply(sequences(batch, time, 2)), ShapeError, 'g', 'inputs'],
  ['no step', () => scope(() => gru().apply(ops.zeros([batch, 0, features]))), ShapeError, 'g', 'inputs'],
  [
    'unroll and any number of steps',
    () => gru({ unroll: true }).apply(Input({ shape: [null, features] })),
    ShapeError,
    'g',
    'inputs',
  ],
  ['a mask of other steps', () => gru().apply(x, { mask: matrix(batch, time + 1) }), ShapeError, 'g', 'mask'],
  [
    'a mask by time first',
    () => gru({ timeMajor: true }).apply(x, { mask: matrix(features, batch) }),
    ShapeError,
    'g',
    'mask',
  ],
  [
    'a state too few',
    () => new LSTM({ units, name: 'l' }).apply(x, { initialState: [state] }),
    ArgumentError,
    'l',
    'initialState',
  ],
  [
    'a state too many',
    () => gru().apply(x, { initialState: [state, state] }),
    ArgumentError,
    'g',
    'initialState',
  ],
  [
    'a state of other units',
    () => gru().apply(x, { initialState: matrix(batch, 3) }),
    ShapeError,
    'g',
    'initialState',
  ],
  [
    'a state for all rows',
    () => gru().apply(x, { initialState: matrix(1, units) }),
    ShapeError,
    'g',
    'initialState',
  ],
  [
    'states of both kinds',
    () =>
      new LSTM({ units, name: 'l' }).apply(Input({ shape: [time, features] }), {
        initialState: [Input({ shape: [units] }), state],
      }),
    ArgumentError,
    'l',
    'initialState',
  ],
  ...[
    { initialState: Input({ shape: [units] }), constants: [state] },
    { initialState: state, constants: [Input({ shape: [units] })] },
  ].map(
    (options): Case => [
      'states and constants of both kinds',
      () =>
        new RNN({ cell: { call, stateSize: units }, name: 'r' }).apply(
          Input({ shape: [time, units] }),
          options,
        ),
      ArgumentError,
      'r',
      'constants',
    ],
  ),
  [
    'a state for other rows, in a model',
    () => {
      const inputs = Input({ shape: [null, features] })
      const outputs = gru().apply(inputs, { initialState: matrix(3, units) })
      return new Model({ inputs, outputs }).predict(x)
    },
    ShapeError,
    'g',
    'initialState',
  ],
  [
    'states twice',
    () => scope(() => gru().apply([tensor(x), tensor(state)], { initialState: state })),
    ArgumentError,
    'g',
    'initialState',
  ],
  ['constants', () => gru().apply(x, { constants: [state] }), ArgumentError, 'g', 'constants'],
  [
    'constants of a stack',
    () => new RNN({ cell: [new LSTMCell({ units })], name: 'r' }).apply(x, { constants: [state] }),
    ArgumentError,
    'r',
    'constants',
  ],
  ['training', () => gru().apply(x, { training: 1 as never }), ArgumentError, 'g', 'training'],
  [
    'an option of the call',
    () => gru().apply(x, { initial_state: state } as never),
    ArgumentError,
    'g',
    'initial_state',
  ],
  // states that are carried
  [
    'a batch that is not known',
    () => gru({ stateful: true }).build([null, null, features]),
    StateError,
    'g',
    'stateful',
  ],
  ['another batch', () => carrying().apply(sequences(3, time, features)), ShapeError, 'g', 'inputs'],
  ['a reset of what is not stateful', () => gru().resetStates(), StateError, 'g', 'stateful'],
  [
    'a reset before there is a batch',
    () => gru({ stateful: true }).resetStates(),
    StateError,
    'g',
    'stateful',
  ],
  [
    'a reset before the features are known',
    () => stateful({ batchInputShape: [batch, null, null] }).resetStates(),
    ShapeError,
    'gru_cell',
    'kernel',
  ],
  ['a reset to too many', () => carrying().resetStates([state, state]), ArgumentError, 'g', 'states'],
  ['a reset to other units', () => carrying().resetStates(matrix(batch, 3)), ShapeError, 'g', 'states'],
  [
    'samples that the batch does not divide',
    () => model().predict(sequences(3, time, features)),
    ShapeError,
    'm',
    'inputs',
  ],
  ['another batch size', () => model().predict(x, { batchSize: 1 }), ArgumentError, 'm', 'batchSize'],
  [
    'a reset of a layer that is not there',
    () => model().resetStates({ f: state }),
    ArgumentError,
    'm',
    'states',
  ],
  // both directions
  ['another way to merge', () => both({ mergeMode: 'max' }), ArgumentError, 'Bidirectional', 'mergeMode'],
  ['no layer', () => both({ layer: undefined }), ArgumentError, 'Bidirectional', 'layer'],
  [
    'a layer that does not recur',
    () => both({ layer: new Dense({ units }) }),
    ArgumentError,
    'Bidirectional',
    'layer',
  ],
  ['the same direction', () => both({ backwardLayer: gru() }), ArgumentError, 'b', 'backwardLayer'],
  ...['returnSequences', 'returnState', 'stateful', 'timeMajor'].map(
    (name): Case => [
      `another ${name}`,
      () => both({ backwardLayer: backwards({ [name]: true }) }),
      ArgumentError,
      'b',
      'backwardLayer',
    ],
  ),
  [
    'an odd number of states',
    () => both({}).apply(x, { initialState: [state] as never }),
    ArgumentError,
    'b',
    'initialState',
  ],
  [
    'units that do not add',
    () => both({ backwardLayer: backwards({ units: 3 }), mergeMode: 'sum' }).apply(x),
    ShapeError,
    'b',
    'mergeMode',
  ],
  ['weights of the layer inside', () => both({ layer: gru({ weights: [] }) }), ArgumentError, 'b', 'weights'],
  [
    'weights of one direction',
    () => both({ weights: [[1], [1], [1]] }).build([null, null, features]),
    ArgumentError,
    'b',
    'weights',
  ],
  [
    'a reset to the half',
    () => {
      const layer = both({ layer: stateful() })
      layer.apply(x)
      layer.resetStates([state])
    },
    ArgumentError,
    'b',
    'states',
  ],
  ['a reset of both that are not stateful', () => both({}).resetStates(), StateError, 'b', 'stateful'],
  // every step
  [
    'no steps',
    () => new TimeDistributed({ layer: new Dense({ units }), name: 't' }).apply(state),
    ShapeError,
    't',
    'inputs',
  ],
  [
    'a mask of other steps',
    () =>
      new TimeDistributed({ layer: new Dense({ units }), name: 't' }).apply(x, { mask: matrix(batch, 2) }),
    ShapeError,
    't',
    'mask',
  ],
  ['no layer', () => new TimeDistributed({ layer: 4 as never }), ArgumentError, 'TimeDistributed', 'layer'],
]

for (const [what, work, Class, layer, argument] of cases)
  test(what, () => {
    const error = fails(work, Class, /./)
    assert.is(error.layer, layer)
    assert.is(error.argument, argument)
  })

test.run()
