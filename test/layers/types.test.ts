/** Types: what follows from options. Nothing is computed; that this file compiles is the test. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  Bidirectional,
  Dense,
  type Frame,
  GRU,
  GRUCell,
  Input,
  LSTM,
  LSTMCell,
  type LSTMOptions,
  layerBidirectional,
  layerLstm,
  layerRnn,
  layerTimeDistributed,
  Model,
  type NdArray,
  RNN,
  rnnCellsStack,
  Sequential,
  type SymbolicTensor,
  type Tensor,
  tensor,
} from '../../ts/entry/api.js'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Compiles only when the value has exactly this type. */
function typed<Expected>() {
  return <Actual>(_: () => Actual, ..._same: Same<Actual, Expected> extends true ? [] : [never]): void => {}
}

const x = Input({ shape: [null, 3] })
const data = () => tensor([[[1, 2, 3]]])
const units = 4
declare const unknown: boolean

test('returnState decides between a tensor and a tuple', () => {
  typed<SymbolicTensor>()(() => new LSTM({ units }).apply(x))
  typed<SymbolicTensor>()(() => new LSTM({ units, returnState: false }).apply(x))
  typed<[SymbolicTensor, SymbolicTensor, SymbolicTensor]>()(() =>
    new LSTM({ units, returnState: true }).apply(x),
  )
  typed<[SymbolicTensor, SymbolicTensor]>()(() => new GRU({ units, returnState: true }).apply(x))
  typed<Tensor | [Tensor, Tensor]>()(() => new GRU({ units, returnState: unknown }).apply(data()))
})

test('like to like', () => {
  typed<Tensor>()(() => new LSTM({ units }).apply(data()))
  typed<Tensor>()(() => new LSTM({ units }).apply([[[1, 2, 3]]]))
  typed<[Tensor, Tensor, Tensor]>()(() =>
    new LSTM({ units, returnState: true }).apply([data(), data(), data()]),
  )
  typed<Tensor>()(() => new Dense({ units }).apply(data()))
  typed<SymbolicTensor>()(() => new Dense({ units }).apply(x))
})

test('cells and stacks give the structure of their states', () => {
  typed<[Tensor, Tensor, Tensor]>()(() =>
    new RNN({ cell: new LSTMCell({ units }), returnState: true }).apply(data()),
  )
  typed<[Tensor, Tensor, [Tensor, Tensor]]>()(() =>
    new RNN({ cell: [new GRUCell({ units }), new LSTMCell({ units })], returnState: true }).apply(data()),
  )
  typed<[SymbolicTensor, [SymbolicTensor, SymbolicTensor], SymbolicTensor]>()(() =>
    layerRnn(x, { cell: rnnCellsStack(new LSTMCell({ units }), new GRUCell({ units })), returnState: true }),
  )
})

test('both directions: their states, a pair without a mergeMode', () => {
  const plain = new LSTM({ units })
  const whole = new GRU({ units, returnState: true })
  typed<SymbolicTensor>()(() => new Bidirectional({ layer: plain }).apply(x))
  typed<[Tensor, Tensor, Tensor]>()(() => new Bidirectional({ layer: whole }).apply(data()))
  typed<[Tensor, Tensor]>()(() => new Bidirectional({ layer: plain, mergeMode: null }).apply(data()))
  typed<[Tensor, Tensor, Tensor, Tensor]>()(() =>
    layerBidirectional(data(), { layer: whole, mergeMode: null }),
  )
  typed<SymbolicTensor>()(() => layerTimeDistributed(x, { layer: new Dense({ units }) }))
  const any: Bidirectional = new Bidirectional({ layer: whole })
  void any
  // @ts-expect-error an unknown option
  void (() => new Bidirectional({ layer: plain, mergemode: null }))
})

test('functions follow their object', () => {
  typed<LSTM<{ readonly units: 4 }>>()(() => layerLstm({ units: 4 }))
  typed<Sequential>()(() => layerLstm(new Sequential(), { units }))
  typed<[Tensor, Tensor, Tensor]>()(() => layerLstm(data(), { units, returnState: true }, { mask: [[true]] }))
  // @ts-expect-error an unknown option
  void (() => layerLstm(x, { unit: 4 }))
  // @ts-expect-error Keras's spelling
  void (() => new LSTM({ units, return_sequences: true }))
  // @ts-expect-error an option of another layer
  void (() => new LSTM({ units, resetAfter: true }))
  // @ts-expect-error an option of another layer
  void (() => new GRU({ units, unitForgetBias: true }))
  // @ts-expect-error an unknown option
  void (() => layerLstm({ units, returnSequence: true }))
  // @ts-expect-error an unknown option
  void (() => new RNN({ cell: new GRUCell({ units }), returnstate: true }))
  const call = (x: Tensor) => [x, [x]]
  // @ts-expect-error an object has no weights
  void (() => new RNN({ cell: { stateSize: 1, call, build() {} } }))
  // @ts-expect-error nor in a list
  void (() => layerRnn(x, { cell: [new GRUCell({ units }), { stateSize: 1, call, getConfig: () => ({}) }] }))
  // @ts-expect-error no shape
  void (() => new Input({}))
  // @ts-expect-error an unknown activation
  void (() => new LSTM({ units, activation: 'tanhh' }))
  // @ts-expect-error no flag
  void (() => new LSTM({ units, stateful: 1 }))
})

test('what is no data is refused', () => {
  const model = new Sequential()
  const layer = new LSTM({ units })
  // @ts-expect-error
  void (() => model.predict('abc'))
  // @ts-expect-error
  void (() => model.stream().step('abc'))
  // @ts-expect-error
  void (() => model.stream().step(undefined))
  // @ts-expect-error
  void (() => layer.apply(x, { initialState: 'abc' }))
  // @ts-expect-error
  void (() => layer.apply(x, { mask: 'abc' }))
})

test('data in every form', () => {
  const model = new Sequential()
  const layer = new LSTM({ units })
  const deep: readonly (readonly (readonly number[])[])[] = []
  void (() => [model.predict(new Float64Array(3)), model.predict(data()), model.predict(deep)])
  void (() => model.predict([new Float32Array(3), [1, 2, 3]], { mask: [null, [[true]]] }))
  void (() => model.stream().step(null, undefined, { mask: true }))
  void (() => layer.apply(x, { mask: x, initialState: [x, x] }))
  const posted = { data: new Float32Array(3), shape: [1, 1, 3], dtype: 'float32' } as const
  void (() => [model.predict(posted), model.stream().step(posted), model.setWeights([posted])])
  void (() => [layer.apply(posted, { mask: posted, initialState: posted }), tensor(posted)])
  void (() => layer.apply(deep, { mask: null, initialState: [[[1]], [[1]]] }))
})

test('options from elsewhere', () => {
  const options: LSTMOptions = { units }
  const some = { units, returnSequences: true }
  void (() => [new LSTM(options), new LSTM(some), new LSTM({ ...some, returnState: true })])
})

test('models give what they declare', () => {
  const [a, b] = [x, x]
  typed<NdArray>()(() => new Model({ inputs: a, outputs: b }).predict([]))
  typed<[NdArray, NdArray]>()(() => new Model({ inputs: a, outputs: [a, b] }).predict([]))
  typed<{ one: NdArray; two: NdArray }>()(() =>
    new Model({ inputs: a, outputs: { one: a, two: b } }).predict([]),
  )
  typed<NdArray>()(() => new Sequential().predict([]))
  typed<Float32Array<ArrayBuffer>>()(() => new Sequential().stream().step([] as Frame))
  typed<{ one: Float32Array<ArrayBuffer> }>()(() =>
    new Model({ inputs: a, outputs: { one: a } }).stream().step([]),
  )
})

test('a variable of the plain type holds the layer whatever its options', () => {
  const lstm: LSTM = new LSTM({ units: 2 })
  const layers: (GRU | LSTM)[] = [new GRU({ units: 3, returnState: true }), lstm]
  const rnn: RNN = new RNN({ cell: new GRUCell({ units: 2 }) })
  assert.is([...layers, rnn].length, 3)
})

test.run()
