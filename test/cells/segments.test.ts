/** Gradients in segments: the same bits from less memory. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  Bidirectional,
  ConvLSTM1D,
  createEngine,
  GRU,
  LSTM,
  ops,
  RNN,
  type SymbolicTensor,
  scope,
  setRandomSeed,
  type Tensor,
  tensor,
  type Variable,
} from '../../ts/entry/api.js'
import { ArgumentError, UnsupportedError } from '../../ts/errors.js'
import { balanced, fails } from '../engine/support.js'
import { sequences } from '../support/random.js'
import { OpsLSTMCell } from './support.js'

const [batch, time, units] = [3, 7, 4]
const x = sequences(batch, time, units)
const mask = x.map((row, b) => row.map((_, t) => (b + 3 * t) % 4 > 0))

const noisy = {
  stateSize: units,
  call(x: Tensor, [h]: [Tensor]) {
    const next = ops.tanh(ops.add(ops.multiply(h, ops.random.normal([units])), ops.random.dropout(x, 0.5)))
    return [next, [next]]
  },
}
const scanning = {
  stateSize: units,
  call(x: Tensor, [h]: [Tensor]) {
    const [y] = ops.scan(
      (sum, v) => {
        const next = ops.tanh(ops.add(sum, v))
        return [next, next] as const
      },
      h,
      ops.stack([x, ops.multiply(x, 0.5)]),
    )
    return [y, [y]]
  },
}

interface Layer {
  apply(x: Tensor, options?: object): unknown
  readonly trainableWeights: readonly Variable[]
  [Symbol.dispose](): void
}

const rnn = (cell: object, more: object = {}) => new RNN({ cell, ...more } as never) as unknown as Layer
const layers: Record<string, () => Layer> = {
  'an LSTM': () => new LSTM({ units, returnSequences: true }),
  'a GRU, backwards': () => new GRU({ units, goBackwards: true }),
  'a cell': () => rnn(new OpsLSTMCell(units), { returnSequences: true }),
  'a cell, backwards': () => rnn(new OpsLSTMCell(units), { goBackwards: true }),
  'a cell, time first': () => rnn(new OpsLSTMCell(units), { returnSequences: true, timeMajor: true }),
  'a cell, zeros where masked': () =>
    rnn(new OpsLSTMCell(units), { returnSequences: true, zeroOutputForMask: true }),
  'a GRU, both directions': () => new Bidirectional({ layer: new GRU({ units }) }),
  'a cell that draws': () => rnn(noisy, { returnSequences: true }),
  'a cell with a loop': () => rnn(scanning, { returnSequences: true }),
  'cells on one another': () => rnn([new OpsLSTMCell(5), new OpsLSTMCell(units)]),
}

function gradients(layer: Layer, options: object, segment?: number): unknown[] {
  setRandomSeed(3)
  return scope(() => {
    const loss = (x: SymbolicTensor) => ops.sum(ops.square(layer.apply(x as Tensor, options) as Tensor))
    const variables = layer.trainableWeights
    const [value, byX] = ops.valueAndGrad(loss, { segment: segment ?? null })(tensor(x)) as [Tensor, Tensor]
    const byWeights = ops.grad(loss, { variables, ...(segment && { segment }) })(tensor(x)) as Tensor[]
    return [value, byX, ...byWeights].map(value => value.data())
  })
}

for (const [name, make] of Object.entries(layers))
  test(`${name} in segments`, () => {
    using layer = make()
    scope(() => layer.apply(tensor(x)))
    balanced(() => {
      for (const options of [{}, { mask }]) {
        const whole = gradients(layer, options)
        for (const segment of [1, 2, 3, 7, 1e9]) assert.equal(gradients(layer, options, segment), whole)
      }
    })
  })

test('images in segments', () => {
  using layer = new ConvLSTM1D({ filters: 2, kernelSize: 3 })
  const images = [sequences(5, 6, 3), sequences(5, 6, 3, 5)]
  const by = (segment: number | null) =>
    scope(() =>
      (
        ops.grad((x: SymbolicTensor) => ops.sum(layer.apply(x as Tensor)), { segment })(
          tensor(images),
        ) as Tensor
      ).data(),
    )
  scope(() => layer.apply(tensor(images)))
  assert.equal(by(2), by(null))
})

for (const name of ['an LSTM', 'a cell'])
  test(`${name}: segments take less memory`, async () => {
    const steps = 20_000
    const long = sequences(1, steps, units)
    const bytes = async (segment: number | null) => {
      const engine = await createEngine()
      const taken = engine.use(() => {
        using layer = layers[name]!()
        scope(() =>
          ops.grad((x: SymbolicTensor) => ops.sum(ops.square(layer.apply(x as Tensor) as Tensor)), {
            segment,
          })(tensor(long)),
        )
        return engine.stats().bytes
      })
      engine.dispose()
      return taken
    }
    const [all, parts] = [await bytes(null), await bytes(150)]
    // of every step at least four values of each unit were kept
    assert.ok(all - parts > 4 * 4 * units * steps, `${all} and ${parts} bytes`)
  })

test('what segments cannot do, and what none are', () => {
  using layer = layers['a cell']!()
  scope(() => {
    const loss = (x: SymbolicTensor) => ops.sum(layer.apply(x as Tensor) as Tensor)
    const slope = (x: SymbolicTensor) => ops.sum(ops.grad(loss, { segment: 2 })(x as Tensor) as Tensor)
    fails(() => ops.grad(slope)(tensor(x)), UnsupportedError, /gradient/)
    for (const segment of [0, -1, 1.5, Number.NaN, '3'])
      fails(
        () => ops.grad(loss, { segment } as never),
        ArgumentError,
        /segment must be null or a number of steps/,
      )
  })
})

test.run()
