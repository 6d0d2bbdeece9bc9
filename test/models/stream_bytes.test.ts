/** Which models a saved row goes on in: those that compute the same. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  ArgumentError,
  createEngine,
  currentEngine,
  Dense,
  deserialize,
  GRU,
  type Layer,
  LSTM,
  Masking,
  type Model,
  NdArray,
  ops,
  RNN,
  RNNCell,
  Sequential,
  type Stream,
  serialize,
  type Tensor,
  type Variable,
} from '../../ts/entry/api.js'
import { random } from '../../ts/ops/index.js'
import { balanced, fails } from '../engine/support.js'
import { numbers } from '../support/random.js'
import { milliseconds } from '../support/time.js'

/** Step t of sequence s. */
const frameOf = (s: number, t: number) => numbers(3, 1 + 100 * s + t)

/** A cell with ops, whose state decays. */
class Leaky extends RNNCell {
  override stateSize = 3
  readonly #by: number | Float32Array
  readonly #draws: { seed?: random.SeedGenerator } | undefined

  constructor(by: number | Float32Array, draws?: 'seeded' | 'seedless') {
    super()
    this.#by = by
    this.#draws = draws && (draws === 'seeded' ? { seed: new random.SeedGenerator({ seed: 7 }) } : {})
  }

  override call(x: Tensor, [h]: Tensor[]) {
    const kept = ops.add(ops.multiply(h!, this.#by), x)
    const next = this.#draws ? ops.add(kept, random.normal(ops.shape(kept), this.#draws)) : kept
    return [next, [next]]
  }
}

const inputShape = [null, 3]
const one = (layer: Layer) => new Sequential([layer], { name: 'm' }) as unknown as Model

/** Adds up the inputs times one weight times the other. */
class Twice extends RNNCell {
  override stateSize = 3
  readonly #order: readonly string[]
  #weights: readonly Variable[] = []

  constructor(...order: string[]) {
    super()
    this.#order = order
  }

  override build() {
    const [a, b] = ['a', 'b'].map(name => this.addWeight({ name, shape: [3, 3] }))
    this.#weights = this.#order.map(name => (name === 'a' ? a! : b!))
  }

  override call(x: Tensor, [h]: Tensor[]) {
    const [first, second] = this.#weights
    const next = ops.add(h!, ops.matmul(ops.matmul(x, first!), second!))
    return [next, [next]]
  }
}

/** Two models with states and weights of the same shapes, that compute differently. */
const pairs: Record<string, readonly [a: () => Model, b: () => Model]> = {
  activation: [
    () => one(new LSTM({ units: 4, inputShape })),
    () => one(new LSTM({ units: 4, activation: 'relu', inputShape })),
  ],
  'recurrent activation': [
    () => one(new GRU({ units: 4, inputShape })),
    () => one(new GRU({ units: 4, recurrentActivation: 'hardSigmoid', inputShape })),
  ],
  'the head': [
    () => new Sequential([new GRU({ units: 4, inputShape }), new Dense({ units: 2 })]) as unknown as Model,
    () => {
      const head = new Dense({ units: 2, activation: 'softmax' })
      return new Sequential([new GRU({ units: 4, inputShape }), head]) as unknown as Model
    },
  ],
  'what masked steps put out': [
    () => one(new GRU({ units: 4, returnSequences: true, inputShape })),
    () => one(new GRU({ units: 4, returnSequences: true, zeroOutputForMask: true, inputShape })),
  ],
  'a number in the step of a cell': [
    () => one(new RNN({ cell: new Leaky(0.5), inputShape })),
    () => one(new RNN({ cell: new Leaky(0.25), inputShape })),
  ],
  'an array in the step of a cell': [
    () => one(new RNN({ cell: new Leaky(Float32Array.of(1, 2, 3)), inputShape })),
    () => one(new RNN({ cell: new Leaky(Float32Array.of(1, 2, 4)), inputShape })),
  ],
  'which weight is which': [
    () => one(new RNN({ cell: new Twice('a', 'b'), inputShape })),
    () => one(new RNN({ cell: new Twice('b', 'a'), inputShape })),
  ],
}

for (const [what, [makeOne, makeOther]] of Object.entries(pairs)) {
  test(`rows are of a computation: not of one that differs by ${what}`, () =>
    balanced(() => {
      using model = makeOne()
      using other = makeOther()
      using same = makeOne() // its layers may have other names
      void [model.stream(), other.stream(), same.stream()].map(stream => stream.dispose()) // now built
      const weights = model.getWeights()
      other.setWeights(weights)
      same.setWeights(weights)
      using stream = model.stream() as Stream
      const first = (stream.step(frameOf(0, 0)) as Float32Array).slice()
      const bytes = stream.saveRow(0)
      using others = other.stream({ batch: 2 })
      const before = others.saveRow(1)
      fails(
        () => others.loadRow(1, bytes),
        ArgumentError,
        /by a model of another structure|with other weights/,
      )
      assert.equal(others.saveRow(1), before)
      using alike = same.stream({ batch: 2 }) as Stream
      alike.loadRow(1, bytes)
      const next = (stream.step(frameOf(0, 1)) as Float32Array).slice()
      assert.not.equal(next, first)
      const both = alike.step(Float32Array.of(...frameOf(1, 0), ...frameOf(0, 1))) as Float32Array
      assert.equal(both.slice(next.length), next)
    }))
}

for (const draws of ['seeded', 'seedless'] as const) {
  test(`rows of a cell that draws, ${draws}, go on with the same numbers`, () => {
    const build = () => one(new RNN({ cell: new Leaky(0.5, draws), inputShape, name: 'rnn' }))
    using model = build()
    using twin = build()
    using stream = model.stream({ batch: 2 }) as Stream
    using other = twin.stream({ batch: 2 }) as Stream
    const frame = Float32Array.of(...frameOf(0, 0), ...frameOf(1, 0))
    for (let t = 0; t < 3; t++) stream.step(frame)
    other.resetRow(1) // its calls are others now
    other.step(frame)
    other.loadRow(1, Buffer.from(stream.saveRow(1))) // as files are read in Node
    for (let t = 0; t < 3; t++) {
      const expected = (stream.step(frame) as Float32Array).slice(3)
      assert.equal((other.step(frame) as Float32Array).slice(3), expected)
    }
  })
}

test('weights that change are others at once, however they change; those that do not are read once', () => {
  /** Counts its steps in a weight. */
  class Counting extends RNNCell {
    override stateSize = 3
    #steps!: Variable

    override build() {
      this.#steps = this.addWeight({ name: 'steps', shape: [1], initializer: 'zeros' })
    }

    override call(x: Tensor, [h]: Tensor[]) {
      this.#steps.assign(ops.add(this.#steps, 1))
      const next = ops.add(h!, x)
      return [next, [next]]
    }
  }
  using model = new Sequential([
    new LSTM({ units: 256, returnSequences: true, inputShape }),
    new Dense({ units: 3 }),
    new RNN({ cell: new Counting() }),
  ])
  using stream = model.stream()
  const bytes = stream.saveRow(0)
  const refuses = () => fails(() => stream.loadRow(0, bytes), ArgumentError, /with other weights/)
  stream.step(frameOf(0, 0)) // counts
  refuses()
  const [kernel] = model.weights as [Variable]
  const steps = model.weights.at(-1)!
  steps.assign([0])
  stream.loadRow(0, bytes)
  assert.equal(stream.saveRow(0), bytes)
  const before = kernel.data()
  kernel.assign(before.map((value, i) => (i === 5 ? value + 1 : value)))
  refuses()
  kernel.assign(before)
  stream.loadRow(0, bytes)
  const weights = model.getWeights()
  model.setWeights(weights.map(({ data, shape }) => new NdArray(data.map(value => value + 1), shape))) // biome-ignore format: one line
  refuses()
  model.setWeights(weights)
  stream.loadRow(0, bytes)

  const cost = (between: () => void) => {
    let least = Number.POSITIVE_INFINITY
    for (let i = 0; i < 20; i++) {
      between()
      const start = process.cpuUsage()
      stream.saveRow(0)
      least = Math.min(least, milliseconds(start))
    }
    return least
  }
  const changed = cost(() => model.setWeights(weights))
  const same = cost(() => {})
  assert.ok(4 * same < changed, `${same} of ${changed} ms`)
})

test('rows of layers with other names, of a copy by its config, of another engine', () => {
  const build = () =>
    new Sequential([
      new Masking({ inputShape: [null, 3] }),
      new LSTM({ units: 4, returnSequences: true }),
      new Dense({ units: 2 }),
    ])
  using model = build()
  using stream = model.stream()
  stream.step(frameOf(0, 0))
  const bytes = stream.saveRow(0)
  const expected = (stream.step(frameOf(0, 1)) as Float32Array).slice()
  const engine = createEngine()
  for (const [make, where] of [
    [build, currentEngine()],
    [() => deserialize(serialize(model)) as typeof model, currentEngine()],
    [build, engine],
  ] as const) {
    where.use(() => {
      using copy = make()
      copy.build([null, null, 3])
      copy.setWeights(model.getWeights())
      using other = copy.stream()
      other.loadRow(0, bytes)
      assert.equal(other.step(frameOf(0, 1)), expected)
    })
  }
  engine.dispose()
})

test.run()
