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
  scope,
  serialize,
  type Tensor,
  tensor,
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
  fails(() => deserialize({ class_name: 'Lstm', config: {} }), UnsupportedError, /did you mean "LSTM"/)
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
  const wrong = (...args: unknown[]) => new Scale().addWeight(...(args as [never]))
  fails(
    () => wrong([3, 4]),
    ArgumentError,
    /addWeight takes one object of options, as { shape, name }, not \[3, 4\]/,
  )
  fails(() => wrong('kernel', [3, 4]), ArgumentError, /as { shape, name }, not "kernel"/)
  fails(() => wrong({ name: 'kernel' }), ArgumentError, /shape must be an array of sizes, not undefined/)
  fails(() => wrong({ shape: [1], nam: 'kernel' }), ArgumentError, /no option "nam"/)
  fails(() => new Scale().build([null, null]), ShapeError, /axis 0 of weight "scale" is unknown/)
})

test('activations that are layers of Keras', () => {
  const read = (class_name: string, config: object = {}) =>
    deserialize({ class_name: 'GRU', config: { units: 2, activation: { class_name, config } } })
  const written = (class_name: string, config?: object) => {
    const { activation } = read(class_name, config).getConfig() as { activation: Record<string, unknown> }
    return typeof activation === 'string' ? activation : [activation.class_name, activation.config]
  }
  assert.is(written('ReLU'), 'relu')
  assert.is(written('ReLU', { max_value: 6 }), 'relu6')
  assert.is(written('LeakyReLU', { alpha: 0.20000000298023224 }), 'leaky_relu')
  assert.is(written('ELU'), 'elu')
  assert.is(written('Softmax', { axis: -1 }), 'softmax')
  assert.is(written('Activation', { activation: 'tanh' }), 'tanh')
  assert.equal(written('LeakyReLU'), ['LeakyReLU', {}])
  assert.equal(written('ReLU', { threshold: 2 }), ['ReLU', { threshold: 2 }])
  const y = (class_name: string, config?: object) => {
    const { activation } = read(class_name, config) as unknown as { activation: (x: unknown) => Tensor }
    return scope(() =>
      [...activation(tensor([-2, -1, 0, 0.5, 1, 3])).data()].map(v => Math.round(v * 1e4) / 1e4),
    )
  }
  // Keras's own, by tf_keras.layers
  assert.equal(y('LeakyReLU'), [-0.6, -0.3, 0, 0.5, 1, 3])
  assert.equal(
    y('ReLU', { max_value: 2, negative_slope: 0.1, threshold: 0.5 }),
    [-0.25, -0.15, -0.05, 0, 1, 2],
  )
  assert.equal(y('ThresholdedReLU', { theta: 0.5 }), [0, 0, 0, 0, 1, 3])
  assert.equal(y('ELU', { alpha: 0.5 }), [-0.4323, -0.3161, 0, 0.5, 1, 3])
  for (const [name, config, text] of [
    ['PReLU', {}, /GRU: activation PReLU has weights/],
    ['Softmax', { axis: 1 }, /activation Softmax with axis 1/],
    ['ReLU', { max_value: 'a' }, /activation ReLU with max_value/],
    ['constructor', {}, /activation constructor/],
  ] as const) {
    const error = fails(() => read(name, config), UnsupportedError, text)
    assert.is(error.argument, 'activation')
  }
})

test.run()
