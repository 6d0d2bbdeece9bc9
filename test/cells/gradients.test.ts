/** Gradients of cells that leave something out, mix rows or have sequences inside, and gradients of these: all against differences. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import { GRU, ops, RNN, type SymbolicTensor, scope, type Tensor, tensor } from '../../ts/entry/api.js'
import { balanced, near } from '../engine/support.js'
import { numbers, sequences } from '../support/random.js'

const [batch, time, units] = [3, 4, 2]
const x = sequences(batch, time, units)
const start = sequences(1, batch, units, 9)[0]!
const direction = sequences(batch, time, units, 77)
const mask = [
  [true, false, true, true],
  [false, true, false, false],
  [false, false, false, false],
]

const inner = new GRU({ units })
inner.build([null, null, units])
inner.setWeights([12, 12, 12].map((length, i) => numbers(length, 4 + i)))

type Step = (x: Tensor, states: [Tensor]) => [SymbolicTensor, [SymbolicTensor]]
type Loss = (x: SymbolicTensor) => SymbolicTensor

const again = (y: SymbolicTensor): [SymbolicTensor, [SymbolicTensor]] => [y, [y]]
const cells: Record<string, Step> = {
  'adds both': (x, [h]) => again(ops.add(x, h)),
  'adds both, bent': (x, [h]) => again(ops.tanh(ops.add(x, h))),
  'multiplies them': (x, [h]) => again(ops.multiply(ops.add(x, 0.5), ops.add(h, 1))),
  'only x': (x, [h]) => [ops.tanh(x), [h]],
  'only the state': (_, [h]) => again(ops.multiply(h, 0.9)),
  counts: (x, [h]) => [ops.square(x), [ops.add(h, 1)]],
  'puts out the old state': (x, [h]) => [h, [x]],
  'takes off the mean of the rows': (x, [h]) =>
    again(ops.tanh(ops.add(ops.subtract(x, ops.mean(x, 0)), ops.subtract(h, ops.mean(h, 0))))),
  'adds along the columns': (x, [h]) => again(ops.tanh(ops.add(ops.cumsum(x, 1), h))),
  scans: (x, [h]) => {
    const [y] = ops.scan(
      (c, v) => {
        const sum = ops.tanh(ops.add(c as Tensor, v as Tensor))
        return [sum, sum]
      },
      h,
      ops.stack([x, h]),
    )
    return again(y as Tensor)
  },
  'has a fused layer inside': (x, [h]) =>
    again(ops.add(ops.multiply(inner.apply(ops.stack([x, h], 1)), 0.5), h)),
  'is stopped': (x, [h]) => again(ops.stopGradient(ops.add(x, h))),
}

/** What a small step along the direction adds to a loss. */
function slope(loss: Loss, data: number[][][], along: number[][][]): number {
  const at = (by: number) =>
    scope(() => {
      const moved = data.map((row, b) => row.map((step, t) => step.map((v, i) => v + by * along[b]![t]![i]!)))
      return (loss(tensor(moved)) as Tensor).item() as number
    })
  const h = 1 / 64
  return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
}

function check(loss: Loss, expected = slope(loss, x, direction)): void {
  scope(() => {
    const gradient = (ops.grad(loss)(tensor(x)) as Tensor).data()
    near(
      direction.flat(2).reduce((sum, v, i) => sum + v * (gradient[i] as number), 0),
      expected,
      3e-3,
    )
  })
}

const square = (y: SymbolicTensor) => ops.sum(ops.square(y))

/** The sum of the squares of its gradient. */
const twice =
  (loss: Loss): Loss =>
  q =>
    square(ops.grad(loss)(q as Tensor) as Tensor)

for (const [name, call] of Object.entries(cells))
  for (const more of [
    {},
    { unroll: true },
    { returnSequences: true },
    { returnSequences: true, zeroOutputForMask: true },
  ])
    test(`a cell that ${name} ${JSON.stringify(more)}`, () =>
      balanced(() => {
        using layer = new RNN({ cell: { stateSize: units, call } as never, returnState: true, ...more })
        for (const masked of [false, true]) {
          const run = (q: SymbolicTensor) =>
            layer.apply(
              q as Tensor,
              { initialState: start, ...(masked && { mask }) } as never,
            ) as unknown as [Tensor, Tensor]
          const losses: Loss[] = [q => square(run(q)[0]), q => square(run(q)[1])]
          for (const loss of losses) {
            check(loss, name === 'is stopped' ? 0 : undefined)
            // a fused layer's gradient has none
            if (name !== 'is stopped' && !name.includes('fused')) check(twice(loss))
          }
        }
        const [poisoned, clean] = [Number.NaN, 7].map(fill =>
          scope(() => {
            const data = x.map((row, b) => row.map((step, t) => (mask[b]![t] ? step : step.map(() => fill))))
            const loss = (q: SymbolicTensor) => {
              const [y, h] = layer.apply(q as Tensor, { mask }) as unknown as [Tensor, Tensor]
              return ops.add(square(y), ops.sum(h))
            }
            const [value, gradient] = ops.valueAndGrad(loss)(tensor(data)) as [Tensor, Tensor]
            return [value.array(), gradient.array()]
          }),
        )
        assert.equal(poisoned, clean)
      }))
test.run()
