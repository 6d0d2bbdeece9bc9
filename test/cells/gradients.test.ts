/** Gradients of cells that leave something out: x, the state, the weights; and gradients of gradients. All against differences. */
import { test } from 'uvu'
import '../../ts/entry/inline.js'
import { ops, RNN, type SymbolicTensor, scope, type Tensor, tensor } from '../../ts/entry/api.js'
import { balanced, near } from '../engine/support.js'
import { sequences } from '../support/random.js'

const [batch, time, units] = [3, 4, 2]
const x = sequences(batch, time, units)
const start = sequences(1, batch, units, 9)[0]!
const direction = sequences(batch, time, units, 77)
const mask = [
  [true, false, true, true],
  [false, true, false, false],
  [false, false, false, false],
]

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
            if (name !== 'is stopped') check(twice(loss))
          }
        }
      }))
test.run()
