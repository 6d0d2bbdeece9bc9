/** Stacks of layers of different kinds, made by chance: what is padded and masked has the bits of what is trimmed. */
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  Bidirectional,
  Dense,
  GRU,
  type Layer,
  LSTM,
  LSTMCell,
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
import { balanced } from '../engine/support.js'
import { numbers, sequences } from '../support/random.js'

const [batch, time, features] = [3, 4, 5]

type Make = (units: number, all: boolean) => Layer
const recurrent: Record<string, Make> = {
  lstm: (units, returnSequences) => new LSTM({ units, returnSequences }),
  gru: (units, returnSequences) => new GRU({ units, returnSequences, activation: 'relu' }),
  'gru, reset before': (units, returnSequences) => new GRU({ units, returnSequences, resetAfter: false }),
  simple: (units, returnSequences) => new SimpleRNN({ units, returnSequences, useBias: false }),
  minimal: (units, returnSequences) => new RNN({ cell: new MinimalRNNCell(units), returnSequences }),
  'of ops': (units, returnSequences) => new RNN({ cell: new OpsLSTMCell(units), returnSequences }),
  stacked: (units, returnSequences) =>
    new RNN({ cell: [new OpsLSTMCell(3), new LSTMCell({ units })], returnSequences }),
  'both directions': (units, returnSequences) =>
    new Bidirectional({ layer: new GRU({ units, returnSequences }) }),
}
const between: Record<string, Make> = {
  ...recurrent,
  dense: units => new Dense({ units, activation: 'tanh' }),
  'dense, step by step': units => new TimeDistributed({ layer: new Dense({ units }) }),
}

const part = (kinds: object) =>
  fc.record({ kind: fc.constantFrom(...Object.keys(kinds)), units: fc.integer({ min: 1, max: 9 }) })
const stacks = fc.tuple(part(recurrent), fc.array(part(between), { maxLength: 2 }), part(recurrent))
const lengths = fc.array(fc.integer({ min: 1, max: time }), { minLength: batch, maxLength: batch })

/** The sum of the last output's numbers, each times another one, and its gradients by the input and all weights. */
function results(layers: readonly Layer[], data: number[][][], mask?: boolean[][]): Float32Array[] {
  return scope(() => {
    const stack = (x: SymbolicTensor) =>
      layers.reduce((y, layer, i) => layer.apply(y, i === 0 && mask ? { mask } : {}) as SymbolicTensor, x)
    const loss = (x: SymbolicTensor) => {
      const y = stack(x)
      return ops.sum(ops.multiply(y, numbers(y.shape.at(-1)!, 3)))
    }
    const variables = layers.flatMap(layer => layer.trainableWeights)
    const x = tensor(data)
    const [value, byX] = ops.valueAndGrad(loss)(x) as [Tensor, Tensor]
    return [value, byX, ...ops.grad(loss, { variables })(x)].map(each => each.data())
  })
}

test('padded and masked, or trimmed', () => {
  const property = fc.property(stacks, lengths, ([first, middle, last], sizes) =>
    balanced(() => {
      const layers = [
        recurrent[first.kind]!(first.units, true),
        ...middle.map(({ kind, units }) => between[kind]!(units, true)),
        recurrent[last.kind]!(last.units, false),
      ]
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

test.run()
