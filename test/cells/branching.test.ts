/** Cells whose call chooses in JavaScript, by the number of the step and by values: `unroll: true`. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  Bidirectional,
  Input,
  ops,
  RNN,
  RNNCell,
  type Shape,
  type SymbolicTensor,
  scope,
  type Tensor,
  TimeDistributed,
  TraceError,
  type Variable,
} from '../../ts/entry/api.js'
import { balanced, fails } from '../engine/support.js'
import { matrix, sequences } from '../support/random.js'

const [batch, time, features] = [1, 6, 3]
const limit = 0.6

/** Starts anew where the state has grown beyond a limit: chosen by `if`, or for every row by `where`. */
class Leaping extends RNNCell<{ h: Tensor; leaps: Tensor }> {
  kernel!: Tensor
  constructor(readonly branches: boolean) {
    super()
    this.stateSize = { h: features, leaps: 1 }
  }
  override build(inputShape: Shape) {
    this.kernel = this.addWeight({ name: 'kernel', shape: [inputShape.at(-1), features] })
  }
  override call(x: Tensor, { h, leaps }: { h: Tensor; leaps: Tensor }) {
    const next = ops.tanh(ops.add(ops.dot(x, this.kernel), h))
    const size = ops.max(ops.abs(next), -1, true)
    const [kept, count] = [ops.multiply(next, 0.9), ops.add(leaps, 1)]
    if (!this.branches) {
      const far = ops.greater(size, limit)
      return [next, { h: ops.where(far, x, kept), leaps: ops.where(far, count, leaps) }]
    }
    return (size.item() as number) > limit ? [next, { h: x, leaps: count }] : [next, { h: kept, leaps }]
  }
  override getConfig() {
    return { ...super.getConfig(), branches: this.branches }
  }
  static override fromConfig({ branches }: { branches: boolean }) {
    return new Leaping(branches)
  }
}

const x = sequences(batch, time, features, 5) // with the kernel below, some steps go beyond the limit
const mask = [[true, false, true, true, false, true]]

/** A layer whose cell branches and one whose cell computes both, with the same weights. */
function pair(options: object = {}): [RNN, RNN] {
  const [branching, both] = [true, false].map(branches => {
    const cell = new Leaping(branches)
    return new RNN({ cell, returnSequences: true, returnState: true, unroll: branches, ...options } as never)
  }) as unknown as [RNN, RNN]
  for (const layer of [branching, both]) {
    layer.build([batch, time, features])
    layer.setWeights([matrix(features, features, 3)])
  }
  return [branching, both]
}

const read = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(read)
    : ((value as Tensor).array?.() ?? Object.values(value as object).map(read))

const run = (layer: RNN, data: unknown, options: object = {}) =>
  scope(() => read(layer.apply(data as number[][][], options)))

test('by values, where the layer is applied to data: as with where', () =>
  balanced(() => {
    for (const options of [{}, { goBackwards: true }, { zeroOutputForMask: true }, { stateful: true }]) {
      const [branching, both] = pair(options)
      for (const [data, how] of [
        [x, {}],
        // other branches for other data, and again those of the first
        [sequences(batch, time, features, 8), {}],
        [x, {}],
        [x, { mask }],
      ] as const)
        assert.equal(run(branching, data, how), run(both, data, how))
      const leaps = (run(both, x) as unknown[])[1] as [unknown, number[][]]
      assert.ok(leaps[1][0]![0]! > 0, 'it does leap')
      branching.dispose()
      both.dispose()
    }
  }))

test('gradients by values that were read: those of the branches that were taken', () =>
  balanced(() => {
    const [branching, both] = pair()
    const slopes = (layer: RNN) =>
      scope(() => {
        const loss = (x: SymbolicTensor) =>
          ops.sum(ops.square((layer.apply(x as Tensor, { mask }) as unknown as Tensor[])[0]!))
        return [
          ops.grad(loss)(x).array(),
          ops
            .grad(loss, { variables: layer.trainableWeights })(x as never)[0]!
            .array(),
        ]
      })
    assert.equal(slopes(branching), slopes(both))
    branching.dispose()
    both.dispose()
  }))

test('in a stack, both directions, for every step of something longer, and in a cell around it', () =>
  balanced(() => {
    const make = (branches: boolean) => {
      const layer = new RNN({ cell: [new Leaping(branches), new Leaping(branches)], unroll: branches })
      const wrapped = new Bidirectional({
        layer: new RNN({ cell: new Leaping(branches), unroll: branches, returnSequences: true }),
        backwardLayer: new RNN({
          cell: new Leaping(branches),
          unroll: branches,
          returnSequences: true,
          goBackwards: true,
        }),
      } as never)
      const each = new TimeDistributed({ layer: new RNN({ cell: new Leaping(branches), unroll: branches }) })
      return [layer, wrapped, each] as unknown as RNN[]
    }
    const [own, other] = [make(true), make(false)] as [RNN[], RNN[]]
    for (const [i, layer] of own.entries()) {
      const data = i === 2 ? [x] : x
      run(layer, data)
      other[i]!.build(i === 2 ? [1, 1, time, features] : [batch, time, features])
      other[i]!.setWeights(layer.getWeights())
      assert.equal(run(layer, data), run(other[i]!, data))
    }
    for (const layer of [...own, ...other]) layer.dispose()
  }))

test('constants, weights, variables that the steps before assigned and random numbers can be read', () =>
  balanced(() => {
    const seen: unknown[] = []
    class Reader extends RNNCell {
      kernel!: Tensor
      count!: Variable
      readonly generator = new ops.random.SeedGenerator({ seed: 3 })
      constructor() {
        super()
        this.stateSize = 1
      }
      override build() {
        this.count = this.addWeight({ name: 'count', shape: [], initializer: 'zeros', trainable: false })
      }
      override call(x: Tensor, [h]: [Tensor], { constants: [c] }: { constants: [Tensor] }) {
        const noise = ops.random.normal(ops.shape(h), { seed: this.generator })
        seen.push([c.item(), ops.add(this.count, 0).item(), noise.item()])
        this.count.assign(ops.add(this.count, 1))
        const next = ops.add(ops.add(h, noise), ops.sum(x, -1, true))
        return [noise, [next]]
      }
    }
    using layer = new RNN({ cell: new Reader(), unroll: true, returnSequences: true })
    const noise = (run(layer, x, { constants: [[[7]]] }) as number[][][])[0]!
    assert.equal(
      seen,
      noise.map(([z], step) => [7, step, z]),
    )
  }))

test('where there are no values the error says what to do', () =>
  balanced(() => {
    const input = Input({ shape: [time, features] })
    using rolled = new RNN({ cell: new Leaping(true) })
    fails(
      () => rolled.apply(x),
      TraceError,
      /leaping: item\(\) needs values.*ops\.where.*unroll: true.*by values too/,
    )
    using layer = new RNN({ cell: new Leaping(true), unroll: true })
    fails(() => layer.apply(input), TraceError, /leaping: .*ops\.where.*apply the layer itself to data/)
    let kept: Tensor | undefined
    const keeping = {
      stateSize: 1,
      call(_: Tensor, [h]: [Tensor]) {
        if (kept) kept.item()
        kept = h
        return [h, h]
      },
    }
    using late = new RNN({ cell: keeping, unroll: true })
    fails(() => late.apply(x), TraceError, /kept from a step of cell/)
  }))

test.run()
