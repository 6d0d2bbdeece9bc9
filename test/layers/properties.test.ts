/** What every engine of this family must hold, for layers, sizes, masks and directions by chance (fixed seeds). */
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  Bidirectional,
  Dense,
  deserialize,
  type Layer,
  type NdArray,
  ops,
  RNN,
  type RNNCell,
  StackedRNNCells,
  type SymbolicTensor,
  scope,
  serialize,
  type Tensor,
  TimeDistributed,
  tensor,
} from '../../ts/entry/api.js'
import { balanced } from '../engine/support.js'
import { kinds } from '../support/layers.js'
import { sequences } from '../support/random.js'

interface Situation {
  kind: (typeof kinds)[number]
  batch: number
  time: number
  features: number
  units: number
  mask: boolean[][]
  /** returnSequences, goBackwards, zeroOutputForMask; returnState is always wanted. */
  options: { returnSequences: boolean; goBackwards: boolean; zeroOutputForMask: boolean }
  seed: number
}

const situations = fc
  .record({
    kind: fc.constantFrom(...kinds),
    batch: fc.integer({ min: 1, max: 3 }),
    time: fc.integer({ min: 1, max: 7 }),
    features: fc.integer({ min: 1, max: 9 }),
    units: fc.integer({ min: 1, max: 9 }),
    options: fc.record({
      returnSequences: fc.boolean(),
      goBackwards: fc.boolean(),
      zeroOutputForMask: fc.boolean(),
    }),
    seed: fc.integer({ min: 1, max: 999 }),
  })
  .chain(rest =>
    fc
      .array(fc.array(fc.boolean(), { minLength: rest.time, maxLength: rest.time }), {
        minLength: rest.batch,
        maxLength: rest.batch,
      })
      .map((mask): Situation => ({ ...rest, mask })),
  )

/** One law: it holds in every situation, and leaves nothing behind. */
function law(name: string, holds: (situation: Situation, x: number[][][]) => void, numRuns = 25): void {
  test(name, () =>
    balanced(() =>
      fc.assert(
        fc.property(situations, situation => {
          const { batch, time, features, seed } = situation
          holds(situation, sequences(batch, time, features, seed))
        }),
        { seed: 7, numRuns },
      ),
    ),
  )
}

/** Everything that comes, flat; the layer goes. */
function results(layer: Layer, weights: readonly NdArray[] | null, x: unknown, options = {}): unknown[] {
  const given = Array.isArray(x) ? tensor(x as number[][][]) : (x as Tensor)
  try {
    if (weights) {
      layer.build(given.shape)
      layer.setWeights(weights)
    }
    return scope(() => [layer.apply(given, options)].flat(9).map(y => (y as Tensor).array()))
  } finally {
    given.dispose()
    layer.dispose()
  }
}

/** First weights of such a layer. */
function weightsOf({ kind, units, features }: Situation): NdArray[] {
  using layer = kind.make(units)
  layer.build([null, null, features])
  return layer.getWeights()
}

/** An equal cell without weights and name. */
function copyOf(cell: RNNCell): RNNCell {
  const { class_name, config } = serialize(cell)
  return deserialize({ class_name, config: { ...config, name: null } }) as RNNCell
}

const turned = <T>(rows: readonly (readonly T[])[]) => rows[0]!.map((_, t) => rows.map(row => row[t]!))
const reversed = <T>(rows: readonly (readonly T[])[]) => rows.map(row => [...row].reverse())
const wanted = (situation: Situation, more = {}) => ({ ...situation.options, returnState: true, ...more })

law('1: unrolled or not', (s, x) => {
  const weights = weightsOf(s)
  const run = (unroll: boolean) =>
    results(s.kind.make(s.units, wanted(s, { unroll })), weights, x, { mask: s.mask })
  assert.equal(run(true), run(false))
})

law('2: implementation 1 or 2', (s, x) => {
  const weights = weightsOf(s)
  const run = (implementation: number) =>
    results(s.kind.make(s.units, wanted(s, { implementation })), weights, x, { mask: s.mask })
  assert.equal(run(1), run(2))
})

law('3: time major is transposed', (s, x) => {
  const weights = weightsOf(s)
  const [output, ...states] = results(s.kind.make(s.units, wanted(s)), weights, x, { mask: s.mask })
  const major = s.kind.make(s.units, wanted(s, { timeMajor: true }))
  const [other, ...others] = results(major, weights, turned(x), { mask: turned(s.mask) })
  assert.equal(others, states)
  assert.equal(s.options.returnSequences ? turned(other as number[][]) : other, output)
})

law('4: RNN of the cell', (s, x) => {
  const weights = weightsOf(s)
  const layer = s.kind.make(s.units, wanted(s))
  const cell = copyOf(layer.cell as RNNCell)
  const expected = results(layer, weights, x, { mask: s.mask })
  assert.equal(results(new RNN({ cell, ...wanted(s) }), weights, x, { mask: s.mask }), expected)
})

law('5: backwards is forwards over the reverse', (s, x) => {
  const weights = weightsOf(s)
  const make = (goBackwards: boolean) => s.kind.make(s.units, wanted(s, { goBackwards }))
  const expected = results(make(false), weights, reversed(x), { mask: reversed(s.mask) })
  assert.equal(results(make(true), weights, x, { mask: s.mask }), expected)
})

law('6: padding before, behind, or none', (s, x) => {
  const weights = weightsOf(s)
  const make = () => s.kind.make(s.units, { returnState: true, goBackwards: s.options.goBackwards })
  const trimmed = results(make(), weights, x)
  const more = sequences(s.batch, 3, s.features, 77)
  const [yes, no] = [s.time, 3].map((count, i) => x.map(() => Array.from({ length: count }, () => i === 0)))
  const join = <T>(a: T[][], b: T[][]) => a.map((row, i) => [...row, ...b[i]!])
  assert.equal(results(make(), weights, join(x, more), { mask: join(yes!, no!) }), trimmed)
  assert.equal(results(make(), weights, join(more, x), { mask: join(no!, yes!) }), trimmed)
})

law('7: a stack is layers in a row', (s, x) => {
  const weights = [s, { ...s, features: s.units }].map(weightsOf)
  const cells = [0, 1].map(() => {
    using layer = s.kind.make(s.units)
    return copyOf(layer.cell as RNNCell)
  })
  const stack = new RNN({ cell: new StackedRNNCells({ cells }), ...wanted(s) })
  const got = results(stack, weights.flat(), x, { mask: s.mask })
  const { goBackwards } = s.options
  const lower = s.kind.make(s.units, { returnSequences: true, returnState: true, goBackwards })
  const [sequence, ...below] = results(lower, weights[0]!, x, { mask: s.mask })
  const upper = s.kind.make(s.units, wanted(s, { goBackwards: false }))
  const mask = goBackwards ? reversed(s.mask) : s.mask
  const [output, ...above] = results(upper, weights[1]!, sequence, { mask })
  assert.equal(got, [output, ...below, ...above])
})

law('8 and 9: two calls of a stateful layer, or its states as initial states, are one call', (s, x) => {
  const weights = weightsOf(s)
  const at = s.seed % (s.time + 1)
  if (at === 0 || at === s.time) return
  const part = <T>(rows: T[][], from: number, to: number) => rows.map(row => row.slice(from, to))
  const options = { returnState: true }
  const [, ...expected] = results(s.kind.make(s.units, options), weights, x, { mask: s.mask })
  const first = results(s.kind.make(s.units, options), weights, part(x, 0, at), { mask: part(s.mask, 0, at) })
  const rest = [part(x, at, s.time), { mask: part(s.mask, at, s.time) }] as const
  const [, ...fed] = results(s.kind.make(s.units, options), weights, rest[0], {
    ...rest[1],
    initialState: first.slice(1),
  })
  assert.equal(fed, expected)
  const stateful = s.kind.make(s.units, { ...options, stateful: true })
  stateful.build([s.batch, null, s.features])
  stateful.setWeights(weights)
  scope(() => void stateful.apply(part(x, 0, at), { mask: part(s.mask, 0, at) }))
  const [, ...carried] = results(stateful, null, ...rest)
  assert.equal(carried, expected)
})

law('10: both directions are two layers', (s, x) => {
  const two = [weightsOf(s), weightsOf({ ...s, seed: 0 })]
  const { returnSequences } = s.options
  const options = { returnSequences, returnState: true }
  const both = new Bidirectional({ layer: s.kind.make(s.units, options), mergeMode: null })
  const [a, b, ...states] = results(both, two.flat(), x, { mask: s.mask })
  const own = { ...options, zeroOutputForMask: returnSequences }
  const [c, ...forward] = results(s.kind.make(s.units, own), two[0]!, x, { mask: s.mask })
  const [d, ...backward] = results(s.kind.make(s.units, own), two[1]!, reversed(x), {
    mask: reversed(s.mask),
  })
  assert.equal([a, b], [c, returnSequences ? reversed(d as number[][]) : d])
  assert.equal(states, [...forward, ...backward])
})

law('11: an equal layer from the config', (s, x) => {
  const layer = s.kind.make(s.units, wanted(s, { unroll: true, timeMajor: false, dropout: 0.5 }))
  const written = JSON.parse(JSON.stringify(serialize(layer)))
  const copy = deserialize(written)
  assert.equal(JSON.parse(JSON.stringify(serialize(copy))), written)
  const weights = weightsOf(s)
  assert.equal(results(copy, weights, x, { mask: s.mask }), results(layer, weights, x, { mask: s.mask }))
})

law('12: masked steps have no gradient', (s, x) => {
  using layer = s.kind.make(s.units, wanted(s))
  layer.build([null, null, s.features])
  const loss = (input: SymbolicTensor) =>
    ([layer.apply(input, { mask: s.mask })].flat(9) as SymbolicTensor[])
      .map(y => ops.sum(ops.square(y)))
      .reduce((a, b) => ops.add(a, b))
  const gradient = scope(() => ops.grad(loss)(tensor(x)).array()) as number[][][]
  s.mask.forEach((row, b) => {
    row.forEach((counts, t) => {
      if (!counts) assert.ok(gradient[b]![t]!.every(value => value === 0))
    })
  })
})

law('13: without training there is no dropout', (s, x) => {
  const weights = weightsOf(s)
  const run = (rate: number) => {
    const options = wanted(s, { dropout: rate, recurrentDropout: rate })
    return results(s.kind.make(s.units, options), weights, x, { mask: s.mask, training: false })
  }
  assert.equal(run(0.5), run(0))
})

law('13: one dropout mask for all steps of a call, another one for the next', s => {
  // of few features all masks can be tried: one of them, at every step, must give the answer
  const features = 2 + (s.features % 3)
  const [x] = sequences(1, s.time, features, s.seed)
  using layer = s.kind.make(s.units, wanted(s, { returnState: false, dropout: 0.5, seed: s.seed }))
  layer.build([null, null, features])
  const answer = (x: number[][], training: boolean) =>
    scope(() => [...(layer.apply([x], { training }) as Tensor).data()])
  const masked = Array.from({ length: 2 ** features }, (_, mask) =>
    answer(
      x!.map(step => step.map((value, i) => ((mask >> i) & 1) * 2 * value)),
      false,
    ),
  )
  const calls = Array.from({ length: 12 }, () => answer(x!, true))
  for (const call of calls)
    assert.ok(masked.some(one => one.every((value, i) => Math.abs(value - call[i]!) < 2e-6)))
  assert.ok(calls.some(call => call.some((value, i) => value !== calls[0]![i])))
})

law('14: the order of the gates matters', (s, x) => {
  const weights = weightsOf(s)
  const gates = weights[0]!.shape[1]! / s.units
  if (gates === 1 || s.mask.flat().every(counts => !counts)) return
  const expected = results(s.kind.make(s.units), weights, x)
  const moved = weights.map(({ data, shape }) => {
    const columns = shape.at(-1)!
    return data.map((_, i) => data[i - (i % columns) + (((i % columns) + s.units) % columns)]!)
  })
  assert.not.equal(results(s.kind.make(s.units), moved as never, x), expected)
})

law('15: a Dense at every step is the Dense', (s, x) => {
  const dense = () => new Dense({ units: s.units, activation: 'tanh' })
  using first = dense()
  first.build([null, s.features])
  const weights = first.getWeights()
  assert.equal(results(new TimeDistributed({ layer: dense() }), weights, x), results(dense(), weights, x))
})

test.run()
