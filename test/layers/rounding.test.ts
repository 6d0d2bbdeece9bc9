/**
 * Where a recurrence makes rounding grow, no bound on single cases holds between two right orders of sums. What holds: the layers are as far
 * from the float64 result as sums of float32 in orders by chance.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import { GRU, SimpleRNN, scope, type Tensor } from '../../ts/entry/api.js'
import { numbers, sequences } from '../support/random.js'
import type { Matrix } from '../support/reference.js'

const [features, units, time, recurrences, orders] = [3, 9, 14, 40, 9]

interface Arithmetic {
  round(x: number): number
  /** The order of n terms. */
  order(n: number): readonly number[]
}

const double: Arithmetic = { round: x => x, order: n => [...Array(n).keys()] }

function shuffled(seed: number): Arithmetic {
  const known = new Map<number, number[]>()
  const order = (n: number) => {
    const keys = numbers(n, 7919 * seed + n)
    const made = known.get(n) ?? [...keys.keys()].sort((a, b) => keys[a]! - keys[b]!)
    known.set(n, made)
    return made
  }
  return { round: Math.fround, order }
}

type Weights = [kernel: Matrix, recurrent: Matrix, biases: Matrix]
type Step = (x: number[], h: number[], weights: Weights, arithmetic: Arithmetic) => number[]

/** a·m + bias of one column, in the arithmetic's order. */
function column(
  { round, order }: Arithmetic,
  at: number,
  a: number[],
  m: Matrix,
  ...biases: number[]
): number {
  const terms = [...biases, ...a.map((value, k) => round(value * m[k]![at]!))]
  return order(terms.length).reduce((total, k) => round(total + terms[k]!), 0)
}

const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
const elu = (x: number) => (x > 0 ? x : Math.expm1(x))

const simple: Step = (x, h, [kernel, recurrent, [bias]], arithmetic) =>
  h.map((_, u) => {
    const sum = column(arithmetic, u, [...x, ...h], [...kernel, ...recurrent], bias![u]!)
    return arithmetic.round(softplus(sum))
  })

const gru: Step = (x, h, [kernel, recurrent, [bias, rest]], arithmetic) => {
  const { round } = arithmetic
  const both = [...kernel, ...recurrent]
  return h.map((value, u) => {
    const gate = (at: number) =>
      round(Math.tanh(column(arithmetic, at, [...x, ...h], both, bias![at]!, rest![at]!)))
    const [z, r, at] = [gate(u), gate(units + u), 2 * units + u]
    const inner = round(r * column(arithmetic, at, h, recurrent, rest![at]!))
    const candidate = round(elu(round(column(arithmetic, at, x, kernel, bias![at]!) + inner)))
    return round(round(z * value) + round(round(1 - z) * candidate))
  })
}

function outputs(step: Step, x: number[][], weights: Weights, arithmetic: Arithmetic): number[] {
  let h = new Array<number>(units).fill(0)
  return x.flatMap(now => (h = step(now, h, weights, arithmetic)))
}

const farthest = (a: ArrayLike<number>, b: readonly number[]) =>
  b.reduce((most, value, i) => Math.max(most, Math.abs(value - a[i]!)), 0)

const cases = {
  'SimpleRNN, softplus': [
    () => new SimpleRNN({ units, activation: 'softplus', returnSequences: true }),
    simple,
  ],
  'GRU, elu and tanh': [
    () => new GRU({ units, activation: 'elu', recurrentActivation: 'tanh', returnSequences: true }),
    gru,
  ],
} as const

for (const [name, [make, step]] of Object.entries(cases)) {
  test(name, () => {
    let [logs, largest] = [0, 0]
    for (let seed = 1; seed <= recurrences; seed++) {
      using layer = make()
      layer.build([null, null, features])
      layer.setWeights(layer.getWeights().map(({ data }, i) => numbers(data.length, 31 * seed + i)))
      const weights = layer
        .getWeights()
        .map(each => (each.shape.length === 1 ? [each.array()] : each.array())) as Weights
      const x = sequences(1, time, features, 101 * seed)[0]!.map(now => now.map(value => 2 * value))
      const exact = outputs(step, x, weights, double)
      const ours = farthest(
        scope(() => (layer.apply([x]) as Tensor).data().slice()),
        exact,
      )
      const others = Array.from({ length: orders }, (_, i) =>
        farthest(outputs(step, x, weights, shuffled(i)), exact),
      )
      logs += Math.log(ours / others.sort((a, b) => a - b)[orders >> 1]!)
      largest = Math.max(largest, ...exact)
    }
    assert.ok(largest > 30, `states up to ${largest}`)
    const ratio = Math.exp(logs / recurrences)
    assert.ok(ratio < 1.25, `${ratio} times the middle one of ${orders} orders`)
  })
}

test.run()
