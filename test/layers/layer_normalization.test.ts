import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  ArgumentError,
  deserialize,
  Input,
  LayerNormalization,
  layerLayerNormalization,
  Model,
  ops,
  RNN,
  RNNCell,
  Sequential,
  type Shape,
  ShapeError,
  type SymbolicTensor,
  scope,
  serialize,
  type Tensor,
  UnsupportedError,
} from '../../ts/entry/api.js'
import { balanced, fails, near } from '../engine/support.js'
import { matrix, sequences } from '../support/random.js'

/** In double precision. */
const normal = (values: number[], epsilon = 1e-3) => {
  const mean = values.reduce((a, b) => a + b) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
  return values.map(value => (value - mean) / Math.sqrt(variance + epsilon))
}

test('the last axis, gamma and beta', () =>
  balanced(() => {
    const x = sequences(2, 3, 4)
    using layer = new LayerNormalization({
      gammaInitializer: 'randomNormal',
      betaInitializer: 'randomNormal',
    })
    const y = scope(() => layer.apply(x).array())
    const [gamma, beta] = layer.getWeights().map(weight => weight.array()) as [number[], number[]]
    near(
      y,
      x.map(rows => rows.map(row => normal(row).map((value, i) => value * gamma[i]! + beta[i]!))),
    )
    assert.equal(
      layer.weights.map(({ name, shape }) => [name, ...shape]),
      [
        ['gamma', 4],
        ['beta', 4],
      ],
    )
    fails(() => layer.apply(sequences(2, 3, 5)), ShapeError, /layer_normalization/)
  }))

test('other axes, without weights, another epsilon', () =>
  balanced(() => {
    const x = sequences(2, 3, 4)
    using both = new LayerNormalization({ axis: [-1, 1], epsilon: 0.1 })
    near(
      scope(() => both.apply(x).array()),
      x.flatMap(rows => normal(rows.flat(), 0.1)),
    )
    assert.equal(both.gamma!.shape, [3, 4])
    using first = layerLayerNormalization({ axis: 1, center: false })
    const columns = x.map(rows => normal(rows.map(row => row[2]!)))
    near(
      scope(() => ops.slice(first.apply(x), [0, 0, 2], [null, null, 1]).array()),
      columns.flat(),
    )
    assert.is(first.weights.length, 1)
    using bare = new LayerNormalization({ center: false, scale: false })
    near(
      scope(() => bare.apply(matrix(2, 4)).array()),
      matrix(2, 4).map(row => normal(row)),
    )
  }))

test('configs, streams, errors', () =>
  balanced(() => {
    const config = serialize(
      new LayerNormalization({ axis: [1, 2], epsilon: 0.01, scale: false, name: 'ln' }),
    )
    const copy = deserialize(config) as LayerNormalization
    assert.equal([copy.axis, copy.epsilon, copy.scale, copy.center], [[1, 2], 0.01, false, true])
    assert.equal(serialize(copy), config)
    using model = new Sequential([new LayerNormalization({ inputShape: [null, 3] })])
    const x = sequences(1, 2, 3)
    const whole = model.predict(x).data
    using stream = model.stream()
    for (const t of [0, 1])
      assert.equal(stream.step(Float32Array.from(x[0]![t]!)), whole.slice(3 * t, 3 * t + 3))
    using overTime = new Sequential([new LayerNormalization({ axis: 1, inputShape: [2, 3] })])
    fails(() => overTime.stream(), UnsupportedError, /cannot stream: \w+ needs the whole sequence/)
    fails(
      () => new LayerNormalization({ axis: 0 }).apply([[1]]),
      ArgumentError,
      /axis must be axes behind the batch/,
    )
    fails(
      () => new LayerNormalization({ axis: 'a' as never }),
      ArgumentError,
      /axis must be an integer or a list/,
    )
    fails(() => new LayerNormalization({ axis: 3 }).apply([[1]]), ArgumentError, /axis must be in -2 … 1/)
    fails(() => new LayerNormalization({ rmsScaling: true as never }), UnsupportedError, /rmsScaling/)
    fails(() => new LayerNormalization().apply(Input({ shape: [null, null] })), ShapeError, /gamma/)
  }))

test('inside a cell it is the cell’s own', () =>
  balanced(() => {
    class Cell extends RNNCell {
      readonly norm = new LayerNormalization()
      kernel!: Tensor
      constructor() {
        super()
        this.stateSize = 4
      }
      override build(inputShape: Shape) {
        this.kernel = this.addWeight({ shape: [inputShape.at(-1), 4], name: 'kernel' })
        this.norm.build([null, 4])
      }
      override call(x: Tensor, [h]: [Tensor]) {
        const y = ops.tanh(this.norm.apply(ops.add(ops.dot(x, this.kernel), h)))
        return [y, [y]]
      }
    }
    const input = Input({ shape: [null, 3] })
    const layer = new RNN({ cell: new Cell() })
    using model = new Model({ inputs: input, outputs: layer.apply(input) as SymbolicTensor })
    assert.is(model.weights.length, 3)
    const x = sequences(2, 5, 3)
    const kernel = layer.getWeights()[0]!.array() as number[][]
    const expected = x.map(row =>
      row.reduce(
        (h, step) =>
          normal(h.map((v, u) => step.reduce((sum, x, k) => sum + x * kernel[k]![u]!, v))).map(Math.tanh),
        [0, 0, 0, 0],
      ),
    )
    near(model.predict(x).array(), expected, 1e-5)
  }))

test.run()
