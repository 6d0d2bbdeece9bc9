/** What cells may be given and may do: constants in every wrapper, random numbers, masks of a call, axes, layers inside. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  Bidirectional,
  Dense,
  Dropout,
  GRUCell,
  Input,
  Model,
  type NdArray,
  ops,
  RNN,
  RNNCell,
  type Shape,
  StackedRNNCells,
  type SymbolicTensor,
  scope,
  setRandomSeed,
  shape,
  type Tensor,
  tensor,
  type Variable,
} from '../../ts/entry/api.js'
import { balanced, near } from '../engine/support.js'
import { numbers, sequences } from '../support/random.js'
import { MinimalRNNCell } from './support.js'

const [batch, time, features] = [3, 5, 4]
const x = sequences(batch, time, features)
const mask = [
  [true, true, false, true, false],
  [true, true, true, true, true],
  [false, false, false, false, false],
]

/** Adds a constant of each row to its state. */
class Constant extends RNNCell {
  kernel!: Tensor
  constructor(readonly units: number) {
    super()
    this.stateSize = units
  }
  override build(inputShape: Shape) {
    this.kernel = this.addWeight({ name: 'kernel', shape: [inputShape.at(-1), this.units] })
  }
  override call(x: Tensor, [h]: [Tensor], { constants: [c] }: { constants: [Tensor] }) {
    const y = ops.tanh(ops.add(ops.dot(x, this.kernel), ops.multiply(h, c)))
    return [y, [y]]
  }
  override getConfig() {
    return { ...super.getConfig(), units: this.units }
  }
  static override fromConfig({ units }: { units: number }) {
    return new Constant(units)
  }
}

const c = Array.from({ length: batch }, (_, b) => [...numbers(4, 50 + b)])
const read = (value: unknown) => (value as Tensor).array() as number[][]

test('constants reach every cell of a stack, concrete, listed and symbolic', () =>
  balanced(() => {
    using stack = new RNN({
      cell: [new Constant(4), new MinimalRNNCell(4), new Constant(4)],
      numConstants: 1,
    })
    const [first, second, third] = [new Constant(4), new MinimalRNNCell(4), new Constant(4)].map(
      cell => new RNN({ cell, returnSequences: true } as { cell: RNNCell }),
    ) as [RNN, RNN, RNN]
    scope(() => {
      const y = read(stack.apply(x, { constants: [c] } as never))
      const xs = tensor(x)
      assert.equal(read(stack.apply([xs, tensor(c)] as never)), y)
      const weights = stack.getWeights()
      for (const [layer, own] of [
        [first, weights.slice(0, 1)],
        [second, weights.slice(1, 3)],
        [third, weights.slice(3)],
      ] as const) {
        layer.build([null, null, 4])
        layer.setWeights(own)
      }
      const rows = third.apply(second.apply(first.apply(xs, { constants: [c] } as never)), {
        constants: [c],
      } as never)
      assert.equal(
        y,
        ((rows as Tensor).array() as unknown[]).map((row: unknown) => (row as number[][]).at(-1)!),
      )
      const inputs = { x: Input({ shape: [null, features] }), c: Input({ shape: [4] }) }
      using model = new Model({
        inputs,
        outputs: stack.apply([inputs.x, inputs.c] as never) as SymbolicTensor,
      })
      assert.equal(model.predict({ x, c }).array(), y)
    })
    for (const layer of [first, second, third]) layer.dispose()
  }))

test('constants reach both directions, masked and not', () =>
  balanced(() => {
    using both = new Bidirectional({
      layer: new RNN({ cell: new Constant(4), returnSequences: true }),
      backwardLayer: new RNN({
        cell: new Constant(4),
        returnSequences: true,
        goBackwards: true,
      }),
      numConstants: 1,
    } as never)
    scope(() => {
      const y = read((both as RNN).apply(x, { mask, constants: [c] } as never))
      const [forward, backward] = both.getWeights() as [NdArray, NdArray]
      for (const [weights, goBackwards, from] of [
        [forward, false, 0],
        [backward, true, 4],
      ] as const) {
        const one = new RNN({
          cell: new Constant(4),
          returnSequences: true,
          goBackwards,
          zeroOutputForMask: true,
        })
        one.build([null, null, features])
        one.setWeights([weights])
        const own = read(one.apply(x, { mask, constants: [c] } as never)) as unknown as number[][][]
        const turned = own.map(row => (goBackwards ? [...row].reverse() : row))
        assert.equal(
          (y as unknown as number[][][]).map(row => row.map(step => step.slice(from, from + 4))),
          turned,
        )
        one.dispose()
      }
      const listed = read((both as RNN).apply([tensor(x), tensor(c)] as never, { mask } as never))
      assert.equal(listed, y)
    })
  }))

test('constants of data: rows where the batch is known, in models, gradients, and with time first', () =>
  balanced(() => {
    scope(() => {
      using layer = new RNN({ cell: new Constant(4), returnSequences: true })
      const y = read(layer.apply(x, { constants: [c] } as never))
      const input = Input({ batchShape: [batch, null, features] })
      using model = new Model({
        inputs: input,
        outputs: layer.apply(input, { constants: [c] } as never) as SymbolicTensor,
      })
      assert.equal(model.predict(x).array(), y)
      const loss = (x: SymbolicTensor, c: unknown) =>
        ops.sum(ops.square(layer.apply(x as Tensor, { constants: [c], mask } as never) as Tensor))
      const [both] = ops.grad((x: Tensor, c: Tensor) => loss(x, c))(x, c) as [Tensor, Tensor]
      assert.equal(
        ops
          .grad((x: Tensor) => loss(x, tensor(c)))(x)
          .array(),
        both.array(),
      )
      using turned = new RNN({ cell: new Constant(4), returnSequences: true, timeMajor: true })
      turned.build([null, null, features])
      turned.setWeights(layer.getWeights())
      const first = turned.apply(ops.transpose(x, [1, 0, 2]), { constants: [c] } as never) as Tensor
      assert.equal(ops.transpose(first, [1, 0, 2]).array(), y)
    })
  }))

test('random numbers: others at every step and in every row, again with the seed; a stream draws its own', () => {
  const cell = {
    stateSize: 2,
    call: (x: Tensor, [h]: [Tensor]) => {
      const rows = ops.zerosLike(ops.slice(x, [0, 0], [null, 2]))
      const noise = ops.random.dropout(ops.add(rows, 1), 0.5)
      return [ops.add(ops.multiply(h, 0), noise), [h]]
    },
  }
  using layer = new RNN({ cell, returnSequences: true })
  const draw = () => scope(() => (layer.apply(sequences(16, 16, 2)) as Tensor).array()) as number[][][]
  setRandomSeed(5)
  const first = draw()
  const second = draw()
  setRandomSeed(5)
  assert.equal(draw(), first)
  assert.not.equal(second, first)
  assert.ok(new Set(first.map(row => row.flat().join())).size === 16, 'rows differ')
  assert.ok(
    new Set(first.flatMap(row => row.map((_, t) => first.map(r => r[t]).join()))).size === 16,
    'steps differ',
  )
  assert.ok(first.flat(2).every(value => value === 0 || value === 2))
})

test('a mask of a call is one for all steps: what is drawn before the steps is a constant', () =>
  balanced(() => {
    class Masked extends RNNCell {
      constructor() {
        super()
        this.stateSize = features
      }
      override call(x: Tensor, [h]: [Tensor], { constants: [kept] }: { constants: [Tensor] }) {
        return [ops.multiply(x, kept), [h]]
      }
    }
    using layer = new RNN({ cell: new Masked(), returnSequences: true })
    const input = Input({ shape: [null, features] })
    const ones = ops.onesLike(ops.squeeze(ops.slice(input, [0, 0], [null, 1]), 1))
    const kept = new Dropout({ rate: 0.5, seed: 3 })
    using model = new Model({
      inputs: input,
      outputs: layer.apply(input, {
        constants: [kept.apply(ones, { training: true })],
      } as never) as SymbolicTensor,
    })
    const data = Array.from({ length: 8 }, () =>
      Array.from({ length: 6 }, () => Array<number>(features).fill(1)),
    )
    const [y, again] = [0, 1].map(() => model.predict(data).array() as number[][][]) as [
      number[][][],
      number[][][],
    ]
    for (const row of y) for (const step of row) assert.equal(step, row[0])
    assert.not.equal(again, y)
    kept.dispose()
  }))

test('layers and cells inside a cell: their weights are its own, `training` is passed on', () =>
  balanced(() => {
    const seen: boolean[] = []
    class Outer extends RNNCell<[Tensor, Tensor]> {
      readonly dense = new Dense({ units: 3, activation: 'tanh' })
      readonly inner = new StackedRNNCells({ cells: [new GRUCell({ units: 3 }), new GRUCell({ units: 2 })] })
      constructor() {
        super()
        this.stateSize = [3, 2]
        this.outputSize = 2
      }
      override build(inputShape: Shape) {
        this.dense.build(inputShape)
        this.inner.build([null, 3])
      }
      override call(x: Tensor, states: [Tensor, Tensor], options: { training: boolean }) {
        seen.push(options.training)
        const [output, next] = this.inner.call(this.dense.apply(x), states as never, options)
        return [output, next.flat()]
      }
    }
    using layer = new RNN({ cell: new Outer() })
    using plain = new RNN({ cell: [new GRUCell({ units: 3 }), new GRUCell({ units: 2 })] })
    scope(() => {
      const y = read(layer.apply(x, { mask }))
      assert.is(layer.weights.length, 8)
      const [kernel, bias, ...cells] = layer.getWeights() as [NdArray, NdArray, ...NdArray[]]
      plain.build([null, null, 3])
      plain.setWeights(cells)
      const hidden = ops.tanh(ops.linear(tensor(x), tensor(kernel.array()), tensor(bias.array())))
      near(y, read(plain.apply(hidden, { mask })), 3e-7)
      layer.apply(x, { training: true })
      assert.equal([...new Set(seen)], [false, true])
    })
  }))

test('inputs of more axes, time first, carried states: the same numbers', () =>
  balanced(() => {
    class Images extends RNNCell {
      kernel!: Tensor
      constructor() {
        super()
        this.stateSize = shape(2, 3)
      }
      override build(inputShape: Shape) {
        this.kernel = this.addWeight({ name: 'kernel', shape: [inputShape.at(-1), 3] })
      }
      override call(x: Tensor, [h]: [Tensor]) {
        const y = ops.tanh(ops.add(ops.dot(x, this.kernel), h))
        return [y, [y]]
      }
    }
    const images = tensor(numbers(batch * time * 2 * 2), [batch, time, 2, 2])
    const make = (options: object) =>
      new RNN({ cell: new Images(), returnSequences: true, ...options } as { cell: RNNCell })
    using layer = make({})
    scope(() => {
      const y = layer.apply(images, { mask }) as Tensor
      assert.equal(y.shape, [batch, time, 2, 3])
      using turned = make({ timeMajor: true })
      turned.build([null, batch, 2, 2])
      turned.setWeights(layer.getWeights())
      const order = [1, 0, 2, 3]
      const other = turned.apply(ops.transpose(images, order), {
        mask: ops.transpose(mask),
      } as never) as Tensor
      assert.equal(ops.transpose(other, order).array(), y.array())
      using carried = make({ stateful: true })
      carried.build([batch, null, 2, 2])
      carried.setWeights(layer.getWeights())
      const whole = layer.apply(images) as Tensor
      const parts = [
        [0, 2],
        [2, 3],
      ].map(([from, count]) => carried.apply(ops.slice(images, [0, from!], [null, count!])) as Tensor)
      assert.equal(ops.concatenate(parts, 1).array(), whole.array())
      assert.equal((carried.states as NdArray).shape, [batch, 2, 3])
    })
    images.dispose()
  }))

test('steps that mix rows, masked: padding counts as zeros, in the average that they keep too', () => {
  class Average extends RNNCell {
    mean!: Variable

    constructor() {
      super()
      this.stateSize = features
    }

    override build() {
      this.mean = this.addWeight({ shape: [features], initializer: 'zeros', name: 'mean', trainable: false })
    }

    override call(x: Tensor, [h]: [Tensor]): [SymbolicTensor, [SymbolicTensor]] {
      this.mean.assign(ops.add(ops.multiply(this.mean, 0.5), ops.mean(x, 0)))
      const y = ops.add(ops.subtract(x, this.mean), ops.multiply(h, 0.5))
      return [y, [y]]
    }
  }
  const masked = mask.map(row => row.map((active, t) => active && t !== 2))
  const run = (fill: number) => {
    const data = x.map((row, b) => row.map((step, t) => (masked[b]![t] ? step : step.map(() => fill))))
    using layer = new RNN({ cell: new Average(), returnSequences: true })
    const [values] = scope(() => [(layer.apply(tensor(data), { mask: masked }) as Tensor).array()])
    return [values, (layer.cell as unknown as Average).mean.array()] as [number[][][], number[]]
  }
  const [values, mean] = run(Number.NaN)
  assert.equal(run(3), [values, mean])
  // by hand: a step without any row is left out
  let average = Array(features).fill(0) as number[]
  let states = x.map(() => Array(features).fill(0) as number[])
  for (let t = 0; t < time; t++) {
    if (!masked.some(row => row[t])) continue
    const rows = x.map((row, b) => (masked[b]![t] ? row[t]! : row[t]!.map(() => 0)))
    states = states.map((state, b) =>
      masked[b]![t] ? state.map((v, i) => rows[b]![i]! - average[i]! + v * 0.5) : state,
    )
    average = average.map((v, i) => v * 0.5 + rows.reduce((sum, row) => sum + row[i]!, 0) / batch)
    near(
      values.map(row => row[t]!),
      states,
    )
  }
  near(mean, average)
})

test.run()
