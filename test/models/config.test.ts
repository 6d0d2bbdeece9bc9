import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  ArgumentError,
  Dense,
  deserialize,
  GRU,
  GRUCell,
  Input,
  Layer,
  LSTM,
  LSTMCell,
  Masking,
  Model,
  NdArray,
  ops,
  RNN,
  registerSerializable,
  Sequential,
  type Shape,
  ShapeError,
  SimpleRNN,
  StateError,
  type SymbolicTensor,
  serialize,
  UnsupportedError,
} from '../../ts/entry/api.js'
import type { Variable } from '../../ts/tensor/tensor.js'
import { balanced, fails } from '../engine/support.js'
import { matrix, numbers, sequences } from '../support/random.js'

const x = sequences(3, 4, 5)

const configured: Record<string, () => Model | Sequential> = {
  'a Sequential': () =>
    new Sequential(
      [
        new Masking({ maskValue: -1, inputShape: [null, 5] }),
        new LSTM({
          units: 3,
          activation: 'relu',
          recurrentActivation: 'hardSigmoid',
          kernelRegularizer: { className: 'L2', config: { l2: 0.5 } },
          recurrentConstraint: 'maxNorm',
          kernelInitializer: 'heNormal',
          unitForgetBias: false,
          returnSequences: true,
          dropout: 0.25,
        }),
        new RNN({
          cell: [new GRUCell({ units: 3, resetAfter: false }), new LSTMCell({ units: 2, name: 'top' })],
          goBackwards: true,
        }),
        new Dense({ units: 2, activation: 'leakyRelu', useBias: false, trainable: false }),
      ],
      { name: 'row' },
    ),
  'a functional model': () => {
    const [a, b] = [Input({ shape: [null, 5], name: 'a' }), Input({ shape: [3], name: 'b' })]
    const [sequence, h] = new GRU({ units: 3, returnSequences: true, returnState: true }).apply(a, {
      initialState: b,
    })
    const shared = new SimpleRNN({ units: 3 })
    return new Model({
      inputs: { a, b },
      outputs: { one: shared.apply(sequence), two: shared.apply(sequence, { initialState: [h] }) },
      name: 'graph',
    })
  },
  'a model inside a model': () => {
    const inner = new Sequential([new GRU({ units: 3, inputShape: [null, 5] })], { name: 'inner' })
    const a = Input({ shape: [null, 5] })
    return new Model({ inputs: a, outputs: new Dense({ units: 1 }).apply(inner.apply(a)) })
  },
}

for (const [name, make] of Object.entries(configured)) {
  test(`configs: ${name} comes back`, () => {
    using model = make()
    const config = JSON.parse(JSON.stringify(serialize(model)))
    assert.match(JSON.stringify(config), /^((?!"[a-z]+[A-Z]\w*":).)*$/, 'names in snake_case')
    const data = name === 'a functional model' ? { a: x, b: matrix(3, 3) } : x
    const expected: unknown = model.predict(data)
    balanced(() => {
      using copy = deserialize(config) as Model
      assert.equal(JSON.parse(JSON.stringify(serialize(copy))), config)
      copy.setWeights(model.getWeights())
      assert.equal(copy.predict(data) as unknown, expected)
      assert.equal(
        copy.layers.map(layer => layer.name),
        model.layers.map(layer => layer.name),
      )
      assert.is(copy.summary(), model.summary())
    })
  })
}

test("configs: Keras 2's lists of nodes, Keras 3's values", () => {
  const layers = (inbound: unknown) => [
    {
      class_name: 'InputLayer',
      config: {
        batch_input_shape: [null, null, 5],
        dtype: 'float32',
        sparse: false,
        ragged: false,
        name: 'x',
      },
      name: 'x',
      inbound_nodes: [],
    },
    {
      class_name: 'InputLayer',
      config: { batch_input_shape: [null, 3], dtype: 'float32', name: 'h' },
      name: 'h',
      inbound_nodes: [],
    },
    {
      class_name: 'GRU',
      config: {
        name: 'gru',
        trainable: true,
        dtype: 'float32',
        units: 3,
        time_major: false,
        implementation: 2,
        reset_after: true,
        activation: { class_name: 'function', config: 'tanh' },
      },
      name: 'gru',
      inbound_nodes: inbound,
    },
  ]
  const data = { x, h: matrix(3, 3) }
  const forms = [
    [
      [
        ['x', 0, 0, {}],
        ['h', 0, 0, {}],
      ],
    ],
    [[['x', 0, 0, { initial_state: ['h', 0, 0], training: null, mask: null }]]],
    [
      {
        args: [
          {
            class_name: '__keras_tensor__',
            config: { shape: [null, null, 5], dtype: 'float32', keras_history: ['x', 0, 0] },
          },
        ],
        kwargs: {
          initial_state: { class_name: '__keras_tensor__', config: { keras_history: ['h', 0, 0] } },
          training: false,
        },
      },
    ],
  ]
  let expected: unknown
  for (const inbound of forms) {
    using model = deserialize({
      class_name: 'Functional',
      config: {
        name: 'm',
        trainable: true,
        layers: layers(inbound),
        input_layers: [
          ['x', 0, 0],
          ['h', 0, 0],
        ],
        output_layers: [['gru', 0, 0]],
      },
    }) as Model
    model.setWeights(
      model.getWeights().map(
        ({ shape }, i) =>
          new NdArray(
            numbers(
              shape.reduce((a, b) => a * b, 1),
              i,
            ),
            shape,
          ),
      ),
    )
    const got = (model.predict(data) as unknown as NdArray).array()
    expected ??= got
    assert.equal(got, expected)
  }
})

test('configs that cannot be', () => {
  fails(() => deserialize({ class_name: 'LSMT', config: {} }), UnsupportedError, /did you mean "LSTM"/)
  fails(
    () => deserialize({ class_name: 'LSTM', config: { units: 2, new_option: 1 } }),
    ArgumentError,
    /newOption/,
  )
  fails(() => deserialize('LSTM'), ArgumentError, /class_name/)
  using model = new Sequential([new Dense({ units: 1, inputShape: [2] })])
  for (const method of ['compile', 'fit', 'evaluate'] as const)
    fails(() => model[method](), UnsupportedError, /training/)
  const a = Input({ shape: [2] })
  using withOp = new Model({ inputs: a, outputs: ops.tanh(new Dense({ units: 1 }).apply(a)) })
  fails(() => withOp.getConfig(), UnsupportedError, /tanh/)
})

test('classes of the user in configs', () => {
  class Scale extends Layer {
    factor: number
    scale!: Variable
    constructor({ factor = 2, ...options }: { factor?: number; name?: string } = {}) {
      super(options)
      this.factor = factor
    }
    override build(inputShape: Shape) {
      this.scale = this.addWeight({ name: 'scale', shape: [inputShape.at(-1)], initializer: 'ones' })
    }
    override call(inputs: SymbolicTensor) {
      return ops.multiply(inputs, ops.multiply(this.scale, this.factor))
    }
    override getConfig() {
      return { ...super.getConfig(), factor: this.factor }
    }
    static override fromConfig({ factor, name }: Record<string, unknown>) {
      return new Scale({ factor: factor as number, name: name as string })
    }
  }
  const make = () => new Sequential([new Scale({ factor: 3 }), new Dense({ units: 1 })])
  using model = make()
  model.build([null, 2])
  const config = serialize(model)
  fails(() => deserialize(config), UnsupportedError, /Scale/)
  ;(deserialize(config, { Scale }) as Model).dispose()
  registerSerializable(Scale, { package: 'Mine', name: 'Scaling' })
  const named = serialize(model) as unknown as {
    config: { layers: { registered_name: string; class_name: string }[] }
  }
  assert.equal(named.config.layers[1]!.registered_name, 'Mine>Scaling')
  using copy = deserialize(named) as Model
  assert.is((copy.layers[0] as Scale).factor, 3)
  fails(() => new Scale().addWeight({ shape: [1] }), StateError, /outside build/)
  fails(() => new Scale().build([null, null]), ShapeError, /axis 0 of weight "scale" is unknown/)
})

test.run()
