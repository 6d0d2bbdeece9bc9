/** Variables that steps and layers assign, in programs that call them more than once: as one call after the other. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  GRU,
  Input,
  Layer,
  Model,
  ops,
  RNN,
  RNNCell,
  ShapeError,
  type SymbolicTensor,
  scope,
  type Tensor,
  tensor,
  type Variable,
} from '../../ts/entry/api.js'
import { balanced, fails, near } from '../engine/support.js'
import { Counter } from './support.js'

const steps = [[[1], [1], [1]]]

/** What a model with two outputs computes, and how far the counter came in two runs. */
function twice(outputs: (x: SymbolicTensor) => SymbolicTensor[], counter: { count: Variable }) {
  const x = Input({ shape: [3, 1] })
  using model = new Model({ inputs: x, outputs: outputs(x) })
  return scope(() => [
    ...[0, 1].map(() => model.predict(tensor(steps)).map(y => y.item())),
    counter.count.item(),
  ])
}

test('a cell that counts goes on where a model calls it again', () =>
  balanced(() => {
    for (const unroll of [false, true]) {
      const cell = new Counter()
      using layer = new RNN({ cell, unroll })
      const expected = [[3, 12], [21, 30], 12]
      assert.equal(
        twice(x => [layer.apply(x), layer.apply(x)] as SymbolicTensor[], cell),
        expected,
      )
      const one = new Counter()
      using first = new RNN({ cell: one, unroll })
      using second = new RNN({ cell: one, unroll })
      assert.equal(
        twice(x => [first.apply(x), second.apply(x)] as SymbolicTensor[], one),
        expected,
      )
      // call by call, without a model
      using alone = new RNN({ cell: new Counter(), unroll })
      const calls = scope(() => [0, 1, 2, 3].map(() => (alone.apply(tensor(steps)) as Tensor).item()))
      assert.equal(calls, [3, 12, 21, 30])
    }
  }))

test('the same cell twice in a stack counts twice as far', () =>
  balanced(() => {
    const cell = new Counter()
    using layer = new RNN({ cell: [cell, cell] })
    scope(() => void layer.apply(tensor(steps)))
    assert.is(cell.count.item(), 6)
  }))

test('a layer that assigns goes on too, also inside another layer and inside a step', () =>
  balanced(() => {
    class Mean extends Layer {
      count!: Variable
      override build() {
        this.count = this.addWeight({ shape: [], initializer: 'zeros', name: 'count', trainable: false })
      }
      override call(x: SymbolicTensor) {
        this.count.assign(ops.add(this.count, 1))
        // what reads it in the same call reads what was before
        return ops.multiply(x, this.count)
      }
    }
    class Around extends Layer {
      inner = new Mean()
      override call(x: SymbolicTensor) {
        const [a, b] = [this.inner.apply(x), this.inner.apply(x)] as SymbolicTensor[]
        return ops.add(a!, ops.multiply(b!, ops.multiply(this.inner.count, 10)))
      }
    }
    using mean = new Mean()
    assert.equal(
      twice(
        x =>
          [mean.apply(x), mean.apply(x)].map(y => ops.sum(y as SymbolicTensor, [1, 2])) as SymbolicTensor[],
        mean,
      ),
      [[0, 3], [6, 9], 4],
    )
    using around = new Around()
    scope(() => {
      assert.equal((around.apply(tensor([1])) as Tensor).array(), [20])
      assert.equal((around.apply(tensor([1])) as Tensor).array(), [122])
    })
    class Cell extends RNNCell<[Tensor]> {
      inner = new Mean()
      constructor() {
        super()
        this.stateSize = 1
      }
      override call(x: Tensor, [h]: [Tensor]) {
        const [a, b] = [this.inner.apply(x), this.inner.apply(x)] as SymbolicTensor[]
        const y = ops.add(h, ops.add(a!, b!))
        return [y, [y]]
      }
    }
    for (const unroll of [false, true]) {
      const cell = new Cell()
      using layer = new RNN({ cell, unroll })
      assert.is(
        scope(() => (layer.apply(tensor(steps)) as Tensor).item()),
        0 + 1 + 2 + 3 + 4 + 5,
      )
      assert.is(cell.inner.count.item(), 6)
    }
  }))

test('a choice assigns what the branch that is taken does, what that leaves stays', () =>
  balanced(() => {
    class Choice extends RNNCell<[Tensor]> {
      inner = new RNN({ cell: new Counter() })
      n!: Variable
      few!: Variable
      constructor() {
        super()
        this.stateSize = 1
      }
      override build() {
        const [n, few] = ['n', 'few'].map(name =>
          this.addWeight({ shape: [], initializer: 'zeros', name, trainable: false }),
        )
        Object.assign(this, { n, few })
      }
      override call(x: Tensor, [h]: [Tensor]) {
        this.n.assign(ops.add(this.n, 1))
        // x is 1 or 2: the second counts only in n, and by tens
        const y = ops.cond(
          ops.greater(ops.sum(x), 1.5),
          () => {
            const once = ops.add(h, ops.multiply(this.n, 0))
            this.n.assign(ops.add(this.n, 10))
            return once
          },
          () => {
            this.few.assign(ops.add(this.few, 1))
            return ops.add(h, this.inner.apply(ops.expandDims(x, 1)) as Tensor)
          },
        )
        const next = ops.add(y, ops.multiply(this.few, 100))
        return [next, [next]]
      }
    }
    const data = [1, 2, 2, 1, 2, 1]
    let [n, few, h] = [0, 0, 0]
    for (const x of data) {
      n += x === 1 ? 1 : 11
      if (x === 1) h += few++
      h += 100 * few
    }
    for (const unroll of [false, true]) {
      const cell = new Choice()
      using layer = new RNN({ cell, unroll })
      const y = scope(() => (layer.apply(tensor(data, [1, 6, 1])) as Tensor).item())
      const { count } = cell.inner.cell as Counter
      assert.equal([y, cell.n.item(), cell.few.item(), count.item()], [h, n, few, few])
    }
    using two = new (class extends Layer {
      n!: Variable
      override build() {
        this.n = this.addWeight({ shape: [], initializer: 'zeros', name: 'n', trainable: false })
      }
      override call(x: SymbolicTensor) {
        const assign = (value: number) => () => {
          this.n.assign(value)
          return x
        }
        const inner = () => ops.cond(ops.greater(ops.sum(x), 200), assign(8), assign(7))
        return ops.cond(ops.greater(ops.sum(x), 100), inner, assign(5))
      }
    })()
    for (const [x, n] of [
      [300, 8],
      [150, 7],
      [1, 5],
    ] as const) {
      scope(() => void two.apply(tensor([x])))
      assert.is(two.n.item(), n)
    }
  }))

test('a variable takes no value of unknown sizes', () => {
  class Rows extends RNNCell<[Tensor]> {
    m!: Variable
    constructor() {
      super()
      this.stateSize = 3
    }
    override build() {
      this.m = this.addWeight({ shape: [3], initializer: 'zeros', name: 'm', trainable: false })
    }
    override call(x: Tensor, [h]: [Tensor]) {
      this.m.assign(ops.sum(x, -1))
      return [h, [h]] as [Tensor, [Tensor]]
    }
  }
  const call = () => new RNN({ cell: new Rows(), name: 'sums' }).apply(Input({ shape: [null, 3] }))
  fails(call, ShapeError, /^rows: m: value must be of shape \[3\], not tensor float32 \[null\]/)
})

test('gradients see what was assigned before the layer', () =>
  scope(() => {
    const cell = new Counter()
    using layer = new RNN({ cell })
    layer.build([null, null, 1])
    const fn = (x: SymbolicTensor) => {
      cell.count.assign(4)
      return ops.sum(layer.apply(x as Tensor) as Tensor)
    }
    const [value, byX] = ops.valueAndGrad(fn)(tensor(steps)) as [Tensor, Tensor]
    assert.equal([value.item(), byX.array(), cell.count.item()], [4 + 5 + 6, [[[4], [5], [6]]], 7])
  }))

test('a stateful layer goes on where a model calls it again', () =>
  balanced(() => {
    const x = Input({ batchShape: [1, 3, 1] })
    using layer = new GRU({ units: 2, stateful: true })
    using model = new Model({ inputs: x, outputs: [layer.apply(x), layer.apply(x)] as SymbolicTensor[] })
    using plain = new GRU({ units: 2 })
    plain.build([null, null, 1])
    plain.setWeights(layer.getWeights())
    scope(() => {
      const [first, second] = model.predict(tensor(steps)).map(y => y.array())
      const [once, long] = [steps, [[...steps[0]!, ...steps[0]!]]].map(
        data => plain.apply(tensor(data)) as Tensor,
      )
      near(first!, once!.array(), 0)
      near(second!, long!.array(), 0)
    })
  }))

test.run()
