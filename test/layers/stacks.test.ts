/** Stacks of layers of different kinds, made by chance: what is padded and masked has the bits of what is trimmed. */
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  Bidirectional,
  Dense,
  GRU,
  Input,
  type Layer,
  LSTM,
  LSTMCell,
  Model,
  ops,
  RNN,
  SimpleRNN,
  type SymbolicTensor,
  scope,
  type Tensor,
  TimeDistributed,
  tensor,
} from '../../ts/entry/api.js'
import { MinimalRNNCell, OpsLSTMCell } from '../cells/support.js'
import { balanced, near } from '../engine/support.js'
import { numbers, sequences } from '../support/random.js'

const [batch, time, features] = [3, 4, 5]

interface Rest {
  returnSequences: boolean
  unroll?: boolean
}
type Make = (units: number, rest: Rest) => Layer
const oneWay: Record<string, Make> = {
  lstm: (units, rest) => new LSTM({ units, ...rest }),
  gru: (units, rest) => new GRU({ units, ...rest, activation: 'relu' }),
  'gru, reset before': (units, rest) => new GRU({ units, ...rest, resetAfter: false }),
  simple: (units, rest) => new SimpleRNN({ units, ...rest, useBias: false }),
  minimal: (units, rest) => new RNN({ cell: new MinimalRNNCell(units), ...rest }),
  'of ops': (units, rest) => new RNN({ cell: new OpsLSTMCell(units), ...rest }),
  stacked: (units, rest) => new RNN({ cell: [new OpsLSTMCell(3), new LSTMCell({ units })], ...rest }),
}
const dense: Record<string, Make> = {
  dense: units => new Dense({ units, activation: 'tanh' }),
  'dense, step by step': units => new TimeDistributed({ layer: new Dense({ units }) }),
}
const recurrent: Record<string, Make> = {
  ...oneWay,
  'both directions': (units, rest) => new Bidirectional({ layer: new GRU({ units, ...rest }) }),
}
const kinds = { ...recurrent, ...dense }

const part = (kinds: object) =>
  fc.record({ kind: fc.constantFrom(...Object.keys(kinds)), units: fc.integer({ min: 1, max: 9 }) })
const stacksOf = (kinds: Record<string, Make>) =>
  fc.tuple(part(kinds), fc.array(part({ ...kinds, ...dense }), { maxLength: 2 }), part(kinds))
type Parts = ReturnType<typeof stacksOf> extends fc.Arbitrary<infer P> ? P : never
const lengths = fc.array(fc.integer({ min: 1, max: time }), { minLength: batch, maxLength: batch })

/** The layers of a stack; the last may be another than those before. */
const layersOf = ([first, middle, last]: Parts, rest: Rest, unroll?: boolean) =>
  [first, ...middle, last].map(({ kind, units }, i) =>
    kinds[kind]!(units, i <= middle.length ? { returnSequences: true, unroll } : { ...rest, unroll }),
  )

/** What comes out of the last layer. */
const stack = <X extends SymbolicTensor>(layers: readonly Layer[], x: X, mask?: boolean[][]) =>
  layers.reduce((y, layer, i) => layer.apply(y, i === 0 && mask ? { mask } : {}) as X, x)

/** The sum of the last output's numbers, each times another one, and its gradients by the input and all weights. */
function results(layers: readonly Layer[], data: number[][][], mask?: boolean[][]): Float32Array[] {
  return scope(() => {
    const loss = (x: SymbolicTensor) => {
      const y = stack(layers, x, mask)
      return ops.sum(ops.multiply(y, numbers(y.shape.at(-1)!, 3)))
    }
    const variables = layers.flatMap(layer => layer.trainableWeights)
    const x = tensor(data)
    const [value, byX] = ops.valueAndGrad(loss)(x) as [Tensor, Tensor]
    return [value, byX, ...ops.grad(loss, { variables })(x)].map(each => each.data())
  })
}

test('padded and masked, or trimmed', () => {
  const property = fc.property(stacksOf(recurrent), lengths, (parts, sizes) =>
    balanced(() => {
      const layers = layersOf(parts, { returnSequences: false })
      const x = sequences(batch, time, features)
      // the first layer does not see what it must not: NaN in it would be seen
      const pad = (steps: number) => Array.from({ length: steps }, () => Array(features).fill(Number.NaN))
      const masked = (row: number[][], length: number, behind: number) => [
        ...row.slice(0, length),
        ...pad(time - length + behind),
      ]
      const padded = x.map((row, b) => masked(row, sizes[b]!, 2))
      const plain = x.map((row, b) => masked(row, sizes[b]!, 0))
      const mask = (steps: number) => sizes.map(length => Array.from({ length: steps }, (_, t) => t < length))
      const longest = Math.max(...sizes)
      const shorter = plain.map(row => row.slice(0, longest))
      // weights are drawn
      results(layers, shorter, mask(longest))
      const [y, byX, ...byWeights] = results(layers, shorter, mask(longest))
      const [paddedY, byPadded, ...byPaddedWeights] = results(layers, padded, mask(time + 2))
      assert.equal(paddedY, y)
      assert.equal(byPaddedWeights, byWeights)
      const rows = (values: Float32Array, steps: number) =>
        sizes.map((length, b) => [...values.subarray(b * steps * features, (b * steps + length) * features)])
      assert.equal(rows(byPadded!, time + 2), rows(byX!, longest))
      // all rows alike need no mask
      const even = x.map(row => row.slice(0, longest))
      const evenPadded = even.map(row => [...row, ...pad(3)])
      const all = even.map(() => Array.from({ length: longest + 3 }, (_, t) => t < longest))
      const [trimmed, , ...trimmedWeights] = results(layers, even)
      const [long, , ...longWeights] = results(layers, evenPadded, all)
      assert.equal(long, trimmed)
      assert.equal(longWeights, trimmedWeights)
      for (const layer of layers) layer.dispose()
    }),
  )
  fc.assert(property, { seed: 11, numRuns: 40 })
})

test('unrolled, row by row, step by step, and whatever masked steps hold', () => {
  const row = (size: number) => fc.array(fc.boolean(), { minLength: size, maxLength: size })
  const masks = fc.array(row(time), { minLength: batch, maxLength: batch })
  const property = fc.property(stacksOf(oneWay), masks, (parts, mask) =>
    balanced(() => {
      const [layers, unrolled] = [false, true].map(unroll =>
        layersOf(parts, { returnSequences: true }, unroll),
      ) as [Layer[], Layer[]]
      const x = sequences(batch, time, features)
      const outputs = (layers: Layer[], data: number[][][], mask?: boolean[][]) =>
        scope(() => stack(layers, tensor(data), mask).data<Float32Array>())
      for (const each of [layers, unrolled]) outputs(each, x)
      for (const [i, layer] of unrolled.entries()) layer.setWeights(layers[i]!.getWeights())
      for (const given of [undefined, mask]) {
        const y = outputs(layers, x, given)
        assert.equal(outputs(unrolled, x, given), y)
        for (const [b, row] of x.entries()) {
          const size = y.length / batch
          assert.equal(outputs(layers, [row], given && [given[b]!]), y.subarray(b * size, (b + 1) * size))
        }
        const gradients = results(layers, x, given)
        for (const [i, each] of results(unrolled, x, given).entries())
          near([...each], [...gradients[i]!], 2e-5)
        if (!given) continue
        const hollow = x.map((row, b) => row.map((step, t) => step.map(v => (given[b]![t] ? v : Number.NaN))))
        assert.equal(outputs(layers, hollow, given), y)
        assert.equal(results(layers, hollow, given), gradients)
      }
      const input = Input({ shape: [null, features] })
      using model = new Model({ inputs: input, outputs: stack(layers, input) })
      using stream = model.stream({ batch })
      const y = scope(() => stack(layers, tensor(x)).array() as number[][][])
      for (let t = 0; t < time; t++) {
        const made = stream.step(Float32Array.from(x.flatMap(row => row[t]!)))
        assert.equal(
          [...made],
          y.flatMap(row => row[t]!),
        )
      }
      for (const layer of unrolled) layer.dispose()
    }),
  )
  fc.assert(property, { seed: 12, numRuns: 20 })
})

test.run()
