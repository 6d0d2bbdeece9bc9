/** Cells with several inputs and outputs, in arrays and objects: as in Keras (scripts/fixtures/nested.py), and in every wrapper. */
import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  ArgumentError,
  Bidirectional,
  Input,
  Masking,
  Model,
  type NdArray,
  ops,
  RNN,
  RNNCell,
  type Shape,
  SimpleRNN,
  type SymbolicTensor,
  scope,
  shape,
  type Tensor,
  TimeDistributed,
  tensor,
} from '../../ts/entry/api.js'
import { balanced, fails } from '../engine/support.js'
import { assertClose, numbersOf, type Stored } from '../fixtures/replay.js'

interface Case {
  name: string
  config: { go_backwards?: boolean; zero_output_for_mask?: boolean }
  mask: number[][] | null
  outputs: Stored[]
  dys: Stored[]
  /** Of the inputs and the weights. */
  gradients: Stored[]
}

const fixture: {
  inputs: [Stored, Stored]
  weights: Stored[]
  cases: Case[]
  masking: { a: Stored; weights: Stored[][]; outputs: Stored[] }
} = JSON.parse(readFileSync('test/fixtures/nested.json', 'utf8'))

class NestedCell extends RNNCell<[Tensor, Tensor]> {
  k!: Tensor
  m!: Tensor

  constructor() {
    super()
    this.stateSize = [4, shape(2, 4)]
  }

  override build([a, b]: [Shape, Shape]) {
    const [wide, [rows, columns]] = [a.at(-1)!, b.slice(-2) as [number, number]]
    this.k = this.addWeight({ name: 'k', shape: [wide, 4] })
    this.m = this.addWeight({ name: 'm', shape: [rows, columns, 2, 4] })
  }

  override call([a, b]: [Tensor, Tensor], [v, m]: [Tensor, Tensor]) {
    const sum = ops.add(ops.dot(a, this.k), ops.multiply(v, 0.5))
    const next = ops.tanh(ops.add(sum, ops.mean(m, 1)))
    const product = ops.einsum('bij,ijkl->bkl', b, this.m)
    const matrix = ops.tanh(ops.add(product, ops.multiply(m, 0.5)))
    return [
      [next, ops.einsum('bkl,bl->bl', matrix, next)],
      [next, matrix],
    ]
  }

  static override fromConfig() {
    return new NestedCell()
  }
}

/** The same with objects. */
class NamedCell extends NestedCell {
  override build({ a, b }: never) {
    super.build([a, b])
  }
  override call(inputs: never, states: [Tensor, Tensor]) {
    const { a, b } = inputs as unknown as { a: Tensor; b: Tensor }
    const [[v, w], next] = super.call([a, b], states) as [[Tensor, Tensor], Tensor[]]
    return [{ v, w }, next] as never
  }
  static override fromConfig() {
    return new NamedCell()
  }
}

const [a, b] = fixture.inputs
const [batch, time] = a.shape as [number, number]
const given = (stored: Stored) => tensor(numbersOf(stored), stored.shape)
const weights = fixture.weights.map(numbersOf)
const shapes = [a, b].map(({ shape: [, , ...step] }) => [null, null, ...step]) as unknown as [Shape, Shape]

function make(options: object = {}): RNN {
  const layer = new RNN({ cell: new NestedCell(), returnSequences: true, ...options } as never) as RNN
  layer.build((layer.unroll ? [a.shape, b.shape] : shapes) as never)
  layer.setWeights(weights)
  return layer
}

const flat = (value: unknown): Tensor[] =>
  Array.isArray(value)
    ? value.flatMap(flat)
    : (value as Tensor).shape
      ? [value as Tensor]
      : Object.values(value as object).flatMap(flat)

const data = (value: unknown) => flat(value).map(y => y.data())

for (const { name, config, mask, outputs, dys, gradients } of fixture.cases)
  test(`numbers and gradients as in Keras: ${name}`, () =>
    balanced(() => {
      const options = { goBackwards: config.go_backwards, zeroOutputForMask: config.zero_output_for_mask }
      using layer = make({ returnState: true, ...JSON.parse(JSON.stringify(options)) })
      scope(() => {
        const how = { ...(mask && { mask }) }
        const run = (xs: SymbolicTensor[]) => flat(layer.apply([xs] as never, how))
        const xs = [a, b].map(given)
        for (const [i, y] of run(xs).entries()) assertClose(`output ${i}`, y.data(), outputs[i]!)
        const loss = (xs: SymbolicTensor[]) =>
          run(xs)
            .map((y, i) => ops.sum(ops.multiply(y, given(dys[i]!))))
            .reduce((total, part) => ops.add(total, part))
        const made = [
          ...ops.grad(loss)(xs),
          ...(ops.grad(loss, { variables: layer.trainableWeights }) as (xs: Tensor[]) => Tensor[])(xs),
        ]
        for (const [i, gradient] of made.entries())
          assertClose(`gradient ${i}`, gradient.data(), gradients[i]!)
      })
    }))

test('the mask of the first input masks the steps and goes on with the first output', () =>
  balanced(() => {
    const inputs = shapes.map(([, , ...step]) => Input({ shape: [time, ...step] }))
    const rnn = new RNN({ cell: new NestedCell(), returnSequences: true })
    const after = [new SimpleRNN({ units: 2 }), new SimpleRNN({ units: 2 })]
    const ys = rnn.apply([
      [new Masking().apply(inputs[0]!), inputs[1]!],
    ] as never) as unknown as SymbolicTensor[]
    using model = new Model({ inputs, outputs: after.map((layer, i) => layer.apply(ys[i]!)) })
    rnn.setWeights(weights)
    for (const [i, layer] of after.entries()) layer.setWeights(fixture.masking.weights[i]!.map(numbersOf))
    const made = scope(() =>
      (model.predict([given(fixture.masking.a), given(b)]) as NdArray[]).map(y => y.data),
    )
    for (const [i, y] of made.entries())
      assertClose(`output ${i}`, y as Float32Array, fixture.masking.outputs[i]!)
  }))

test('a list around the inputs: states stand behind them', () =>
  balanced(() => {
    using layer = make({ returnState: true })
    scope(() => {
      const xs = [a, b].map(given)
      const states = [ops.ones([batch, 4]), ops.ones([batch, 2, 4])]
      const listed = layer.apply([xs, ...states] as never)
      assert.equal(data(listed), data(layer.apply([xs] as never, { initialState: states })))
      assert.not.equal(data(listed), data(layer.apply([xs] as never)))
    })
    assert.equal((layer as RNN).computeOutputShape(shapes as never), [
      [
        [null, null, 4],
        [null, null, 4],
      ],
      [null, 4],
      [null, 2, 4],
    ])
  }))

test('unrolled, time first, in objects, in a stack, stateful, for one row: the same bits', () =>
  balanced(() => {
    using layer = make({ returnState: true })
    scope(() => {
      const xs = [a, b].map(given)
      const mask = fixture.cases.find(({ mask }) => mask)!.mask!
      for (const how of [{}, { mask }]) {
        const expected = data(layer.apply([xs] as never, how))
        using unrolled = make({ returnState: true, unroll: true })
        assert.equal(data(unrolled.apply([xs] as never, how)), expected)
        using named = new RNN({ cell: new NamedCell(), returnSequences: true, returnState: true })
        named.build({ a: shapes[0], b: shapes[1] })
        named.setWeights(weights)
        assert.equal(data(named.apply({ a: xs[0]!, b: xs[1]! }, how)), expected)
        using carried = new RNN({
          cell: new NestedCell(),
          returnSequences: true,
          returnState: true,
          stateful: true,
        })
        carried.build([a.shape, b.shape])
        carried.setWeights(weights)
        assert.equal(data(carried.apply([xs] as never, how)), expected)
        const again = layer.apply([xs] as never, {
          ...how,
          initialState: carried.states as NdArray[] as never,
        })
        assert.equal(data(carried.apply([xs] as never, how)), data(again))
        using turned = make({ returnState: true, timeMajor: true })
        const swap = (x: Tensor) => ops.transpose(x, [1, 0, ...x.shape.slice(2).map((_, i) => i + 2)])
        const [ys, ...states] = turned.apply(
          [xs.map(swap)] as never,
          {
            ...(how.mask && { mask: ops.transpose(how.mask) }),
          } as never,
        ) as unknown as [Tensor[], ...Tensor[]]
        assert.equal(data([ys.map(swap), states]), expected)
      }
      const row = xs.map(x => ops.slice(x, [1], [1]))
      const all = flat(layer.apply([xs] as never)).map(y => ops.slice(y, [1], [1]).data())
      assert.equal(data(layer.apply([row] as never)), all)
      const above = {
        stateSize: 4,
        call: ([v, w]: [Tensor, Tensor], [h]: [Tensor]) => {
          const y = ops.add(ops.multiply(v, w), h)
          return [y, [y]]
        },
      }
      using stack = new RNN({ cell: [new NestedCell(), above], returnSequences: true })
      stack.build(shapes)
      stack.setWeights(weights)
      using top = new RNN({ cell: above, returnSequences: true })
      const inner = (layer.apply([xs] as never) as unknown as Tensor[][])[0]!
      assert.equal(data(stack.apply([xs] as never)), data(top.apply([inner] as never)))
    })
  }))

test('both directions: merged output by output; and in a model', () =>
  balanced(() => {
    scope(() => {
      const xs = [a, b].map(given)
      const mask = fixture.cases.find(({ mask }) => mask)!.mask!
      using there = make({ zeroOutputForMask: true })
      using back = make({ zeroOutputForMask: true, goBackwards: true })
      const [first, second] = [there, back].map(layer => flat(layer.apply([xs] as never, { mask }))) as [
        Tensor[],
        Tensor[],
      ]
      const turned = second.map(y => ops.flip(y, 1))
      for (const [mergeMode, merge] of [
        ['concat', (x: Tensor, y: Tensor) => [ops.concatenate([x, y])]],
        ['sum', (x: Tensor, y: Tensor) => [ops.add(x, y)]],
      ] as const) {
        using both = new Bidirectional({
          layer: new RNN({ cell: new NestedCell(), returnSequences: true }),
          mergeMode,
        } as never)
        both.build(shapes as never)
        both.setWeights([...weights, ...weights])
        const expected = data(first.map((y, i) => merge(y, turned[i]!)))
        assert.equal(data((both as RNN).apply([xs] as never, { mask })), expected)
        const inputs = shapes.map(([, , ...step]) => Input({ shape: [null, ...step] }))
        using model = new Model({ inputs, outputs: (both as RNN).apply([inputs] as never) as never })
        const made = model.predict(xs) as unknown as NdArray[]
        assert.equal(
          made.map(y => y.data),
          data(both.apply([xs] as never)),
        )
        const config = model.getConfig()
        assert.equal(JSON.parse(JSON.stringify(config)).layers.length, 3)
      }
    })
  }))

test('for every step of something longer', () =>
  balanced(() => {
    scope(() => {
      const xs = [a, b].map(given)
      using layer = make()
      using each = new TimeDistributed({ layer: make() })
      const twice = xs.map(x => ops.stack([x, ops.multiply(x, 0.5)], 1))
      const made = flat(each.apply([twice] as never))
      const halves = xs.map(x => ops.multiply(x, 0.5))
      const expected = [xs, halves].map(xs => flat(layer.apply([xs] as never)))
      assert.equal(
        data(made),
        [0, 1].map(i =>
          ops
            .stack(
              expected.map(ys => ys[i]!),
              1,
            )
            .data(),
        ),
      )
    })
  }))

test('a stream has the bits of the sequence, masked and not', () =>
  balanced(() => {
    const inputs = shapes.map(([, , ...step]) => Input({ shape: [null, ...step] }))
    const layer = make()
    using model = new Model({ inputs, outputs: layer.apply([inputs] as never) as never })
    const mask = fixture.cases.find(({ mask }) => mask)!.mask!
    for (const masked of [false, true]) {
      const masks = masked ? { mask: [mask, null] } : {}
      const whole = scope(() => model.predict([given(a), given(b)], masks as never)) as unknown as NdArray[]
      using stream = model.stream({ batch })
      for (let t = 0; t < time; t++) {
        const frames = [a, b].map(stored => {
          const size = stored.shape.slice(2).reduce((all, n) => all * n)
          const all = numbersOf(stored) as Float32Array
          return Float32Array.from(
            Array.from({ length: batch }, (_, row) => [
              ...all.subarray((row * time + t) * size, (row * time + t + 1) * size),
            ]).flat(),
          )
        })
        const how = masked ? { mask: [mask.map(row => row[t]!), null] } : undefined
        const ys = stream.step(frames as never, null, how as never) as unknown as Float32Array[]
        for (const [i, y] of ys.entries()) {
          const size = y.length / batch
          const expected = Array.from({ length: batch }, (_, row) => [
            ...whole[i]!.data.subarray((row * time + t) * size, (row * time + t + 1) * size),
          ]).flat()
          assert.equal([...y], expected, `step ${t}, output ${i}`)
        }
      }
    }
  }))

test('built-in cells take one tensor', () => {
  using layer = new SimpleRNN({ units: 2 })
  scope(() => fails(() => layer.apply([[a, b].map(given)] as never), ArgumentError, /one tensor/))
})

test.run()
