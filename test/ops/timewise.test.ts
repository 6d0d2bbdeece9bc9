/** Models with ops between layers: in a stream each step has the bits of the whole sequence, or the model is refused. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  Activation,
  GRU,
  Input,
  type KerasTensor,
  Layer,
  Model,
  type NdArray,
  ops,
  type Stream,
  TimeDistributed,
} from '../../ts/entry/api.js'
import { modelMessage } from '../../ts/entry/worklet.js'
import { UnsupportedError } from '../../ts/errors.js'
import { balanced, fails } from '../engine/support.js'
import { numbers } from '../support/random.js'

const held: Layer[] = []
type Fn = (h: KerasTensor) => unknown

/** A function of tensors inside a layer's call. */
const inside = (fn: (x: never) => unknown) =>
  new (class Own extends Layer {
    override call(x: never) {
      return fn(x) as never
    }
  })()
const matrix = [
  [1, -2],
  [0.5, 3],
  [-1, 0.25],
  [2, 1],
]
const step = (h: KerasTensor, ...sizes: number[]) => [...ops.shape(h).slice(0, 2), ...sizes] as number[]

const stepwise: Record<string, Fn> = {
  'heads, the batch inferred': h => ops.reshape(ops.softmax(ops.reshape(h, [-1, ops.shape(h)[1]!, 2, 2])), step(h, 4)),
  matmul: h => ops.matmul(h, matrix),
  einsum: h => ops.einsum('btf,fg->btg', h, matrix),
  'mean of features': h => ops.mean(h, -1, true),
  'deviation of features': h => ops.std(h, 2, true),
  argmax: h => ops.expandDims(ops.cast(ops.argmax(h, -1), 'float32'), -1),
  concatenate: h => ops.concatenate([h, ops.square(h)], -1),
  slice: h => ops.slice(h, [0, 0, 1], [null, null, 2]),
  where: h => ops.where(ops.greater(h, 0), h, ops.zerosLike(h)),
  tile: h => ops.tile(h, [1, 1, 2]),
  pad: h => ops.pad(h, [[0, 0], [0, 0], [1, 1]]), // biome-ignore format: one line
  flip: h => ops.flip(h, -1),
  'layer normalization': h => ops.layerNormalization(h),
  'one hot': h => ops.oneHot(ops.argmax(h, -1), 4),
  'outer product': h => ops.reshape(ops.multiply(ops.expandDims(h, -1), ops.expandDims(h, -2)), step(h, 16)),
  'products of its own steps': h => ops.reshape(ops.matmul(ops.reshape(h, step(h, 2, 2)), ops.reshape(h, step(h, 2, 2))), step(h, 4)),
  'time first and back': h => ops.transpose(ops.tanh(ops.transpose(h, [1, 0, 2])), [1, 0, 2]),
  'softmax of rows': h => new TimeDistributed({ layer: new Activation({ activation: x => ops.softmax(x, -1) }) }).apply(h),
  'a layer of ops': h => inside(x => ops.multiply(ops.softmax(x), ops.ones(step(x, 4)))).apply(h),
  'a recurrent layer inside': h => {
    const gru = new GRU({ units: 2, returnSequences: true }) // which no model knows
    held.push(gru)
    return inside(x => ops.concatenate([gru.apply(x), x], -1)).apply(h)
  },
} // biome-ignore format: a table

const whole: Record<string, Fn> = {
  cumsum: h => ops.cumsum(h, 1),
  flip: h => ops.flip(h, 1),
  softmax: h => ops.softmax(h, 1),
  sparsemax: h => ops.sparsemax(h, 1),
  sum: h => ops.multiply(h, ops.sum(h, 1, true)),
  argmax: h => ops.add(h, ops.cast(ops.expandDims(ops.argmax(h, 1), 1), 'float32')),
  tile: h => ops.tile(h, [1, 2, 1]),
  repeat: h => ops.repeat(h, 2, 1),
  slice: h => ops.slice(h, [0, 1, 0], [null, null, null]),
  pad: h => ops.pad(h, [[0, 0], [1, 0], [0, 0]]), // biome-ignore format: one line
  concatenate: h => ops.concatenate([h, h], 1),
  einsum: h => ops.einsum('bti,bsi->bti', h, h),
  'an activation': h => new Activation({ activation: x => ops.softmax(x, 1) }).apply(h),
  attention: h => inside(x => ops.matmul(ops.softmax(ops.matmul(x, ops.transpose(x, [0, 2, 1]))), x)).apply(h),
  'less the mean': h => inside(x => ops.subtract(x, ops.mean(x, 1, true))).apply(h),
  'elements in another order': h => inside(x => ops.reshape(ops.reshape(x, [ops.shape(x)[0]!, 4, ops.shape(x)[1]!]), step(x, 4))).apply(h),
  'rows of steps': h => new TimeDistributed({ layer: new Activation({ activation: x => ops.softmax(x, 0) }) }).apply(h),
  scan: h => ops.transpose(ops.scan((sum, x) => [ops.add(sum, x), sum], [[0, 0, 0, 0]], ops.transpose(h, [1, 0, 2]))[1], [1, 0, 2]),
} // biome-ignore format: a table

function modelOf(fn: Fn): Model {
  const inputs = Input({ shape: [null, 1] })
  const h = new GRU({ units: 4, returnSequences: true }).apply(inputs)
  return new Model({ inputs, outputs: fn(h as unknown as KerasTensor) as KerasTensor }) as unknown as Model
}

for (const [name, fn] of Object.entries(stepwise)) {
  test(`${name}: step by step the bits of the whole sequence`, () =>
    balanced(() => {
      using model = modelOf(fn)
      const x = numbers(2 * 6)
      const rows = [x.slice(0, 6), x.slice(6)].map(row => [...row].map(value => [value]))
      const expected = (model.predict(rows) as NdArray).data
      using stream = model.stream({ batch: 2 }) as Stream
      const width = expected.length / 12
      for (let t = 0; t < 6; t++) {
        const y = stream.step(Float32Array.of(x[t]!, x[6 + t]!)) as Float32Array
        const at = (row: number) => expected.slice((6 * row + t) * width, (6 * row + t + 1) * width)
        assert.equal([...y], [...at(0), ...at(1)], `step ${t}`)
      }
      for (const layer of held.splice(0)) layer.dispose()
    }))
}

for (const [name, fn] of Object.entries(whole)) {
  test(`${name}: what mixes time steps does not stream`, () =>
    balanced(() => {
      using model = modelOf(fn)
      assert.ok(model.predict([[[1], [2], [3]]]))
      fails(() => model.stream(), UnsupportedError, /cannot stream: /)
      fails(() => modelMessage(model), UnsupportedError, /cannot stream: /)
    }))
}

test('outputs that begin with time do not stream', () =>
  balanced(() => {
    using model = modelOf(h => ops.transpose(h, [1, 0, 2]))
    fails(() => model.stream(), UnsupportedError, /cannot stream: time must be axis 1/)
  }))

test.run()
