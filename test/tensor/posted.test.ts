/** Arrays from another thread, or from a database, come without their methods; they are taken as they are. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  ArgumentError,
  Dense,
  GRU,
  Input,
  Layer,
  LSTM,
  layerGru,
  Model,
  NdArray,
  ops,
  RNN,
  Sequential,
  ShapeError,
  type SymbolicTensor,
  scope,
  type Tensor,
  tensor,
} from '../../ts/entry/api.js'
import { fails } from '../engine/support.js'
import { numbers } from '../support/random.js'

type Give = <T>(value: T) => T

const array = (...shape: number[]) => new NdArray(numbers(shape.reduce((a, b) => a * b, 1)), shape)
const x = array(2, 5, 3)
const frame = array(2, 3)
const state = array(2, 4)
const mask = new NdArray(Uint8Array.of(1, 1, 0, 1, 0, 1, 1, 1, 1, 1), [2, 5])
const options = { units: 4, kernelInitializer: 'ones', recurrentInitializer: 'ones' } as const
const simple = () =>
  new Sequential([new GRU({ ...options, inputShape: [null, 3], name: 'gru' }), new Dense({ units: 2 })])
const model = simple()
const lstm = new LSTM({ ...options, name: 'lstm' })
const inputs = {
  data: Input({ shape: [null, 3] }),
  shape: Input({ shape: [4] }),
  dtype: Input({ shape: [4] }),
}
const initialState = [inputs.shape, inputs.dtype]
const named = new Model({ inputs, outputs: lstm.apply(inputs.data, { initialState }) })

const cell = {
  stateSize: 4,
  call: (_: Tensor, [h]: [Tensor], { constants: [c] }: { constants: Tensor[] }) => {
    const next = ops.add(h, c!)
    return [next, [next]]
  },
}

class Scaled extends Layer {
  static override readonly callOptions: readonly string[] = ['scale']
  override call(value: SymbolicTensor, { scale }: { scale?: Tensor } = {}) {
    return ops.multiply(value, scale!)
  }
}

/** What takes arrays: each is given one, and then what posting leaves of it. */
const doors: Record<string, (give: Give) => unknown> = {
  predict: give => model.predict(give(x)),
  'predict: samples in a list': give => model.predict(give([array(5, 3), array(5, 3)])),
  'predict: a mask': give => model.predict(x, { mask: give(mask) }),
  'predict: inputs of these names': give => named.predict(give({ data: x, shape: state, dtype: state })),
  setWeights: give => {
    const other = simple()
    other.setWeights(give(model.getWeights()))
    return other.predict(x)
  },
  apply: give => lstm.apply(give(x), give({ initialState: [state, state], mask })),
  'apply: a list': give => lstm.apply(give([x, state, state])),
  'apply: constants': give => new RNN({ cell }).apply(x, give({ initialState: state, constants: state })),
  'apply: an option of its own': give =>
    new Scaled().apply(give(x), give({ scale: array(2, 5, 3) }) as never),
  layerGru: give => layerGru(give(x), options),
  stream: give => {
    const stream = model.stream({ batch: 2 })
    return [[...stream.step(give(frame))], stream.step(give(frame), null, { mask: give(array(2)) })]
  },
  'stream: steps, states': give => {
    const stream = model.stream({ batch: 2 })
    stream.setStates({ gru: give(state) })
    const output = [...stream.steps(give(x))]
    stream.resetStates(give(stream.getStates()))
    return [output, stream.getStates()]
  },
  'stream: an input given once': give =>
    named.stream({ batch: 2, inputs: give({ shape: state, dtype: state }) }).step(give(frame)),
  tensor: give => tensor(give(x)),
  'tensor: in a list': give => tensor([give(frame), give(frame)]),
  assign: give => tensor(0) && lstm.weights[2]!.assign(give(array(16))).data(),
  ops: give => ops.add(give(x), give(array(3))),
  'ops: a list': give => ops.concatenate([give(frame), give(state)]),
  scan: give =>
    ops.scan((sum, y) => [ops.add(sum, y), sum] as [Tensor, Tensor], give(array(5, 3)), give(x))[0],
  grad: give => ops.grad((a: Tensor) => ops.sum(ops.square(a)))(give(x)),
}

const read = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, item) => (item instanceof NdArray ? item.array() : (item?.array?.() ?? item))),
  )

for (const [name, door] of Object.entries(doors)) {
  test(name, () => {
    const [expected, actual] = [(value: unknown) => value, structuredClone].map(give =>
      scope(() => read(door(give as Give))),
    )
    assert.ok(JSON.stringify(expected).length > 2)
    assert.equal(actual, expected)
  })
}

test('their sizes are checked, and objects of inputs stay objects of inputs', () => {
  const data = new Float32Array(15)
  const other = (changes: object) => ({ data, shape: [1, 5, 3], dtype: 'float32', ...changes }) as never
  assert.equal(model.predict(other({})).shape, [1, 2])
  fails(
    () => model.predict(other({ shape: [1, 4, 3] })),
    ShapeError,
    /^sequential.*data must be 12 numbers, not 15$/,
  )
  fails(() => model.predict(other({ shape: [1, null, 3] })), ShapeError, /shape must be of known sizes/)
  fails(
    () => model.predict(other({ data: new BigInt64Array(15) })),
    ArgumentError,
    /data must be a Float32Array/,
  )
  fails(() => model.predict(other({ strides: [15, 3, 1] })), ArgumentError, /no input "data"/)
  const [shape] = [[1, 2, 3, 4]]
  assert.equal(named.predict({ data, shape, dtype: [shape] }).shape, [1, 4])
  fails(() => named.predict(other({})), ArgumentError, /takes its inputs in an object: data, shape, dtype/)
})

test('an array of another copy of the package', () => {
  class NdArrayOfAnother {
    constructor(
      readonly data: Float32Array,
      readonly shape: number[],
      readonly dtype = 'float32',
    ) {}
    array() {}
  }
  const other = new NdArrayOfAnother(x.data, [...x.shape]) as unknown as NdArray
  assert.equal(model.predict(other).data, model.predict(x).data)
})

test.run()
