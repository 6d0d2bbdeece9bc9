/** Random numbers inside cells: what they depend on, and what not. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scope } from '../../ts/engine/handle.js'
import { Input, Model, ops, RNN, RNNCell, type Tensor } from '../../ts/entry/api.js'
import type { RecurrentOptions } from '../../ts/layers/recurrent.js'
import { random } from '../../ts/ops/index.js'
import { tensor } from '../../ts/tensor/tensor.js'
import { balanced } from '../engine/support.js'
import { numbers } from '../support/random.js'

const { SeedGenerator } = random
const units = 3

interface NoisyOptions {
  seed?: number
  /** How often a step draws. */
  draws?: number
  /** Whether the rows share what is drawn. */
  shared?: boolean
}

/** Puts out its state, which adds up the inputs and what it draws. */
class NoisyCell extends RNNCell {
  readonly generator: random.SeedGenerator
  readonly draws: number
  readonly shared: boolean

  constructor({ seed = 5, draws = 1, shared = false }: NoisyOptions = {}) {
    super()
    this.stateSize = units
    this.generator = new SeedGenerator({ seed })
    this.draws = draws
    this.shared = shared
  }

  override call(x: Tensor, [h]: [Tensor]) {
    let next = ops.add(h, x)
    for (let i = 0; i < this.draws; i++)
      next = ops.add(next, random.normal(this.shared ? [units] : ops.shape(h), { seed: this.generator }))
    return [next, [next]]
  }
}

/** What is drawn at each step, of the sums in `[batch, time, units]`. */
function drawn(sums: Float32Array, time: number): Float32Array {
  return sums.map((sum, i) => (Math.floor(i / units) % time === 0 ? sum : sum - sums[i - units]!))
}

const plain = (batch: number, time: number) =>
  tensor(new Float32Array(batch * time * units), [batch, time, units])

/** The outputs of `runs` calls of new layers around a new cell. */
function calls(
  cell: () => RNNCell | RNNCell[],
  {
    batch = 2,
    time = 4,
    runs = 1,
    mask,
    ...options
  }: RecurrentOptions & { batch?: number; time?: number; runs?: number; mask?: number[][] } = {},
): Float32Array[] {
  const layer = new RNN({ cell: cell() as RNNCell, returnSequences: true, ...options })
  try {
    return scope(() =>
      Array.from({ length: runs }, () => (layer.apply(plain(batch, time), { mask }) as Tensor).data()),
    )
  } finally {
    layer.dispose()
  }
}

const near = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number) => {
  assert.is(actual.length, expected.length)
  for (let i = 0; i < actual.length; i++)
    assert.ok(Math.abs(actual[i]! - expected[i]!) <= tolerance, `${i}: ${actual[i]} ${expected[i]}`)
}

test('every step of every row draws its own, as does every call; cells of one seed draw alike', () => {
  balanced(() => {
    const [first, second] = calls(() => new NoisyCell(), { runs: 2 }) as [Float32Array, Float32Array]
    const all = [...drawn(first, 4), ...drawn(second, 4)]
    assert.is(new Set(all).size, 48)
    assert.equal(
      calls(() => new NoisyCell(), { runs: 2 }),
      [first, second],
    )
    assert.not.equal(calls(() => new NoisyCell({ seed: 6 }))[0], first)
  })
})

test('a run counts one call, however many steps and ops draw', () => {
  const cell = new NoisyCell({ draws: 3 })
  const layer = new RNN({ cell })
  scope(() => {
    for (const [batch, time] of [
      [2, 4],
      [1, 7],
      [5, 1],
    ] as const)
      layer.apply(plain(batch, time))
    layer.apply(plain(2, 4), { training: true })
    assert.equal([...cell.generator.state.data<Int32Array>()], [5, 4])
  })
  layer.dispose()
  assert.ok(cell.generator.disposed, 'the generator goes with its cell')
})

test('a state that is set draws the same again, traced anew too', () => {
  const cell = new NoisyCell()
  const layer = new RNN({ cell })
  scope(() => {
    const run = () => (layer.apply(plain(2, 4)) as Tensor).data()
    run()
    const second = run()
    cell.generator.state.assign(Int32Array.of(5, 1))
    layer.programs.dispose()
    assert.equal(run(), second)
  })
  layer.dispose()
})

test('cells of a stack draw apart, though their seeds are one', () => {
  const draws = (count: number) =>
    drawn(calls(() => Array.from({ length: count }, () => new NoisyCell()), { time: 1 })[0]!, 1)
  const [one, two] = [draws(1), draws(2)]
  assert.ok(two.every((value, i) => Math.abs(value - 2 * one[i]!) > 1e-6))
})

test('rows draw the same in other company, steps the same in a longer sequence', () => {
  const [many] = calls(() => new NoisyCell(), { batch: 6, time: 5 })
  const [few] = calls(() => new NoisyCell(), { batch: 2, time: 3 })
  for (const row of [0, 1])
    assert.equal(few!.slice(row * 9, row * 9 + 9), many!.slice(row * 15, row * 15 + 9))
})

test('masked steps do not change what later ones and other rows draw', () => {
  const mask = [
    [1, 1, 1, 1],
    [1, 0, 0, 1],
    [0, 1, 0, 1],
  ]
  const [whole] = calls(() => new NoisyCell(), { batch: 3 })
  const [masked] = calls(() => new NoisyCell(), { batch: 3, mask })
  const noise = drawn(whole!, 4)
  let sum = new Float32Array(units)
  for (let row = 0; row < 3; row++) {
    sum = new Float32Array(units)
    for (let step = 0; step < 4; step++) {
      const at = (row * 4 + step) * units
      if (mask[row]![step]) sum = sum.map((value, i) => value + noise[at + i]!)
      near(masked!.subarray(at, at + units), sum, 1e-6)
    }
  }
  const shared = () => new NoisyCell({ shared: true })
  const rows = drawn(calls(shared, { batch: 2 })[0]!, 4)
  near(rows.subarray(0, 12), rows.subarray(12), 1e-6)
  assert.is(new Set(rows.subarray(0, 12)).size, 12)
})

test('backwards and unrolled steps draw by their place in the sequence', () => {
  const [forward] = calls(() => new NoisyCell())
  const [back] = calls(() => new NoisyCell(), { goBackwards: true })
  const [there, turned] = [drawn(forward!, 4), drawn(back!, 4)]
  for (let step = 0; step < 4; step++)
    near(turned.subarray(3 * (3 - step), 3 * (3 - step) + 3), there.subarray(3 * step, 3 * step + 3), 1e-6)
  const options = [
    {},
    {
      mask: [
        [1, 0, 1, 1],
        [0, 0, 1, 0],
      ],
    },
    { goBackwards: true },
    { runs: 2 },
  ]
  for (const option of options)
    for (const cell of [() => new NoisyCell({ draws: 2 }), () => new NoisyCell({ shared: true })])
      assert.equal(calls(cell, { ...option, unroll: true }), calls(cell, option))
})

test('each step is normal: mean 0, variance 1, no two steps alike', () => {
  const [batch, time] = [4000, 3]
  const noise = drawn(calls(() => new NoisyCell(), { batch, time })[0]!, time)
  const count = batch * units
  const steps = Array.from({ length: time }, (_, step) =>
    noise.filter((_, i) => Math.floor(i / units) % time === step),
  )
  const sum = (values: Float32Array, f: (x: number, i: number) => number) =>
    values.reduce((total, x, i) => total + f(x, i), 0)
  // five deviations each: of a mean 1/√n, of a variance √(2/n), of a correlation 1/√n
  steps.forEach((values, step) => {
    const mean = sum(values, x => x) / count
    assert.ok(Math.abs(mean) < 5 / Math.sqrt(count), `mean ${mean}`)
    const variance = sum(values, x => (x - mean) ** 2) / count
    assert.ok(Math.abs(variance - 1) < 5 * Math.sqrt(2 / count), `variance ${variance}`)
    const other = steps[(step + 1) % time]!
    assert.ok(Math.abs(sum(values, (x, i) => x * other[i]!) / count) < 5 / Math.sqrt(count))
  })
})

function noisy(options: NoisyOptions = {}) {
  const inputs = Input({ shape: [null, units] })
  const rnn = new RNN({ cell: [new NoisyCell(options), new NoisyCell(options)], returnSequences: true })
  return new Model({ inputs, outputs: rnn.apply(inputs) })
}

test('a stream draws what the sequence draws, in steps and in blocks, and goes on after a masked step', () => {
  const [batch, time] = [2, 7]
  const x = Float32Array.from(numbers(batch * time * units, 3))
  const mask = [
    [1, 1, 0, 1, 1, 1, 0],
    [1, 0, 0, 1, 0, 1, 1],
  ]
  const at = (step: number, n: number) =>
    Float32Array.from({ length: batch * n * units }, (_, i) => {
      const [row, rest] = [Math.floor(i / (n * units)), i % (n * units)]
      return x[(row * time + step) * units + rest]!
    })
  for (const shared of [false, true]) {
    for (const masked of [false, true]) {
      const [model, again] = [noisy({ shared }), noisy({ shared })]
      const whole = model.predict(tensor(x, [batch, time, units]), masked ? { mask } : {}).data
      const stream = again.stream({ batch })
      let step = 0
      for (const n of [1, 1, 3, 1, 1]) {
        const part = mask.map(row => row.slice(step, step + n))
        const how = masked ? { mask: n === 1 ? part.map(([m]) => m!) : part } : undefined
        const y = n === 1 ? stream.step(at(step, 1), null, how) : stream.steps(at(step, n), null, how)
        for (let row = 0; row < batch; row++)
          assert.equal(
            y.slice(row * n * units, (row + 1) * n * units),
            whole.slice((row * time + step) * units, (row * time + step + n) * units),
            `step ${step}, row ${row}, masked ${masked}, shared ${shared}`,
          )
        step += n
      }
      stream.dispose()
      model.dispose()
      again.dispose()
    }
  }
})

test('rows of a stream are calls of their own: they start at step 0, are saved and reset', () => {
  const model = noisy()
  const zero = new Float32Array(units)
  const steps = (stream: ReturnType<typeof model.stream>, row: number) => {
    const y = stream.step(new Float32Array(stream.batch * units))
    return [...y.slice(row * units, (row + 1) * units)]
  }
  const stream = model.stream()
  const first = [steps(stream, 0), steps(stream, 0)]
  const saved = stream.saveRow(0)
  const third = steps(stream, 0)
  stream.resetStates()
  const next = [steps(stream, 0), steps(stream, 0)]
  assert.is(new Set([...first.flat(), ...next.flat()]).size, 4 * units)
  stream.loadRow(0, saved)
  assert.equal(steps(stream, 0), third)

  const other = noisy()
  const rows = other.stream()
  assert.equal(steps(rows, 0), first[0])
  assert.is(rows.addRow(), 1)
  const [a, b] = [
    rows.step(new Float32Array(2 * units)).slice(),
    rows.step(new Float32Array(2 * units)).slice(),
  ]
  assert.equal([...a.slice(0, units)], first[1])
  assert.is(new Set([...a, ...b]).size, 4 * units)
  // the row that came later is row 1 of a second call, from its first step on
  const third2 = noisy()
  const pair = Float32Array.from([...zero, ...zero, ...zero, ...zero])
  third2.predict(tensor(pair, [1, 4, units]))
  const sequence = third2.predict(tensor(pair, [2, 2, units])).data
  assert.equal(
    [a.slice(units), b.slice(units)],
    [sequence.slice(2 * units, 3 * units), sequence.slice(3 * units)],
  )
  stream.dispose()
  rows.dispose()
  for (const each of [model, other, third2]) each.dispose()
})

test.run()
