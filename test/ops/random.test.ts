import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { currentEngine } from '../../ts/engine/engine.js'
import { scope } from '../../ts/engine/handle.js'
import { ArgumentError } from '../../ts/errors.js'
import { Dropout } from '../../ts/layers/dropout.js'
import { random } from '../../ts/ops/index.js'
import { setRandomSeed } from '../../ts/ops/seed.js'
import { Trace } from '../../ts/ops/trace.js'
import { type Tensor, tensor } from '../../ts/tensor/tensor.js'
import { balanced, fails } from '../engine/support.js'

const { SeedGenerator, bernoulli, dropout, normal, truncatedNormal, uniform } = random

/** The largest distance of the draws' distribution from `cdf`, times √n: above 1.95 once in a thousand times. */
function kolmogorov(draws: Float32Array, cdf: (x: number) => number): number {
  const sorted = draws.slice().sort()
  const n = sorted.length
  return Math.sqrt(n) * sorted.reduce((d, x, i) => Math.max(d, cdf(x) - i / n, (i + 1) / n - cdf(x)), 0)
}

/** Abramowitz and Stegun 7.1.26, to 1.5e-7. */
function gauss(x: number): number {
  const t = 1 / (1 + (0.3275911 * Math.abs(x)) / Math.SQRT2)
  const poly =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
  const half = 0.5 * (1 - poly * Math.exp(-(x * x) / 2))
  return 0.5 + Math.sign(x) * half
}

test('the draws follow their distributions', () => {
  balanced(() =>
    scope(() => {
      const shape = [250, 80]
      const even = uniform(shape, { minval: -1, maxval: 3, seed: 1 }).data()
      assert.ok(kolmogorov(even, x => (x + 1) / 4) < 1.95)
      const bell = normal(shape, { mean: 2, stddev: 0.5, seed: 2 }).data()
      assert.ok(kolmogorov(bell, x => gauss((x - 2) / 0.5)) < 1.95)
      const inside = gauss(2) - gauss(-2)
      const cut = truncatedNormal(shape, { seed: 3 }).data()
      assert.ok(kolmogorov(cut, x => Math.min(1, Math.max(0, (gauss(x) - gauss(-2)) / inside))) < 1.95)
      const coins = bernoulli(shape, { probability: 0.3, seed: 4 }).data<Uint8Array>()
      const heads = coins.reduce((sum, x) => sum + x, 0)
      // four deviations of a binomial
      assert.ok(Math.abs(heads - 6000) < 4 * Math.sqrt(20000 * 0.3 * 0.7), `${heads}`)
    }),
  )
})

test('an integer draws the same in every call, a generator others, nothing others too', () => {
  scope(() => {
    const draw = (seed?: random.Seed) => [...uniform([4], { seed }).data()]
    assert.equal(draw(7), draw(7))
    assert.not.equal(draw(7), draw(8))
    const [a, b] = [new SeedGenerator({ seed: 7 }), new SeedGenerator({ seed: 7 })]
    const first = draw(a)
    const second = draw(a)
    assert.equal([first.length, first.some(x => second.includes(x))], [4, false])
    assert.equal([draw(b), draw(b)], [first, second])
    assert.equal([...a.state.data<Int32Array>()], [7, 2])
    b.state.assign(Int32Array.of(7, 1))
    assert.equal(draw(b), second, 'a state that is set goes on from there')
    assert.not.equal(draw(), draw())
    setRandomSeed(3)
    const drawn = [draw(), draw()]
    setRandomSeed(3)
    assert.equal([draw(), draw()], drawn)
    a.dispose()
    b.dispose()
    assert.ok(a.disposed)
  })
})

/** `count` runs of a program that is traced by `fn`. */
function runs(fn: () => Tensor[], count: number): number[][] {
  const program = Trace.program(currentEngine(), 'train', fn)
  try {
    return scope(() => {
      const call = program.bind([]).call([])
      const results = Array.from({ length: count }, () => {
        call.run()
        return call.outputs.flatMap(output => [...output.data()])
      })
      call.dispose()
      return results
    })
  } finally {
    program.dispose()
  }
}

test('a program draws other numbers in every run and at every place; traced anew it goes on as it would have', () => {
  const generator = new SeedGenerator({ seed: 5 })
  const again = new SeedGenerator({ seed: 5 })
  const pair = (seed: random.Seed) => () => [normal([3], { seed }), normal([3], { seed })]
  const [one, two, three] = runs(pair(generator), 3)
  assert.is(new Set([...one!, ...two!, ...three!]).size, 18)
  assert.equal(runs(pair(again), 1)[0], one)
  assert.equal(runs(pair(again), 2), [two, three])
  assert.equal([...generator.state.data<Int32Array>()], [5, 3], 'a run counts once, however often it draws')
  const fixed = runs(pair(5), 2)
  assert.equal(fixed[0], fixed[1])

  setRandomSeed(9)
  const free = runs(pair(null), 2)
  setRandomSeed(9)
  assert.equal(runs(pair(null), 2), free)
  assert.not.equal(free[0], free[1])
  generator.dispose()
  again.dispose()
})

test('dropout zeroes its share, scales the rest and never multiplies what it drops', () => {
  scope(() => {
    const x = tensor(new Float32Array(20000).fill(1), [100, 200])
    const y = dropout(x, 0.25, { seed: 1 }).data()
    const kept = y.filter(v => v !== 0)
    assert.ok(kept.every(v => v === Math.fround(1 / 0.75)))
    assert.ok(Math.abs(kept.length - 15000) < 4 * Math.sqrt(20000 * 0.25 * 0.75), `${kept.length}`)
    const shared = dropout(x, 0.5, { seed: 2, noiseShape: [null, 1] }).data()
    for (let row = 0; row < 100; row++)
      assert.is(new Set(shared.subarray(200 * row, 200 * row + 200)).size, 1)
    assert.ok(new Set(shared).size === 2)
    assert.equal([...new Set(dropout(x, 1, { seed: 3 }).data())], [0])
    assert.equal([...new Set(dropout(x, 0, { seed: 3 }).data())], [1])
    const wild = tensor([Number.NaN, Number.POSITIVE_INFINITY, 1, 1, 1, 1])
    assert.equal([...dropout(wild, 1, { seed: 1 }).data()], [0, 0, 0, 0, 0, 0])
  })
})

test('the Dropout layer acts in training, with another mask in each call', () => {
  const x = tensor(new Float32Array(60).fill(1), [4, 15])
  const make = () => new Dropout({ rate: 0.5, seed: 11, name: 'drop' })
  const layer = make()
  const twin = make()
  scope(() => {
    assert.equal(layer.apply(x).data(), x.data())
    const first = layer.apply(x, { training: true }).data()
    const second = layer.apply(x, { training: true }).data()
    assert.not.equal(first, second)
    assert.equal([...new Set([...first, ...second])].sort(), [0, 2])
    assert.equal(twin.apply(x, { training: true }).data(), first)
    const rows = tensor(new Float32Array(30).fill(1), [2, 15])
    assert.equal(
      twin.apply(rows, { training: true }).data(),
      second.slice(0, 30),
      'rows do not depend on others',
    )
    assert.equal(layer.apply(x).data(), x.data())
    assert.equal([...layer.seedGenerator.state.data<Int32Array>()], [11, 2])
  })
  layer.dispose()
  twin.dispose()
  x.dispose()
  assert.ok(layer.seedGenerator.disposed)
})

test('what cannot be is refused by name', () => {
  const wrong = <T>(value: T) => value as never
  fails(
    () => uniform([2], { seed: wrong('a') }),
    ArgumentError,
    /seed must be an integer from 0, a SeedGenerator or null/,
  )
  fails(() => uniform([2], wrong({ min: 3 })), ArgumentError, /no option "min"/)
  fails(() => normal([2], { stddev: Number.NaN }), ArgumentError, /stddev/)
  fails(() => bernoulli([2], { probability: 1.5 }), ArgumentError, /probability must be a number from 0 to 1/)
  fails(() => dropout([1, 2], -1), ArgumentError, /rate/)
  fails(() => dropout([1, 2], 0.5, { noiseShape: [1, 1] }), ArgumentError, /noiseShape/)
  for (const seed of [0.5, -1, Number.NaN, 2 ** 53]) {
    fails(() => new SeedGenerator({ seed }), ArgumentError, /seed must be an integer from 0/)
    fails(() => setRandomSeed(seed), ArgumentError, /setRandomSeed: seed must be an integer from 0/)
    fails(() => uniform([2], { seed }), ArgumentError, /seed must be an integer from 0/)
  }
  fails(() => new SeedGenerator(wrong(3)), ArgumentError, /options/)
})

test.run()
