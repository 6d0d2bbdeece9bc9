/** Batches as large as another size by chance: what has rows and what has none never goes by the number. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  Input,
  Layer,
  Model,
  ops,
  RNN,
  RNNCell,
  type SymbolicTensor,
  scope,
  type Tensor,
  tensor,
  type Variable,
} from '../../ts/entry/api.js'
import { balanced, near } from '../engine/support.js'
import { matrix, sequences } from '../support/random.js'

const [time, units] = [3, 4]
const batches = [1, 2, 3, 4, 5]
const data = (batch: number) => sequences(batch, time, units)
const masks = (batch: number) =>
  Array.from({ length: batch }, (_, b) => Array.from({ length: time }, (_, t) => (b + t) % 3 !== 1))

/** A cell of the plain form. */
const cellOf = (call: (x: Tensor, h: Tensor) => SymbolicTensor) => ({
  stateSize: units,
  call: (x: Tensor, [h]: [Tensor]) => {
    const y = call(x, h)
    return [y, [y]]
  },
})

const sequence = (cell: object, x: unknown, options: object = {}) =>
  new RNN({ cell: cell as never, returnSequences: true }).apply(x as Tensor, options) as Tensor

/** The numbers of row `b` of a batch. */
const rowOf = (values: Tensor, b: number) => (values.array() as number[][][])[b]

/** Adds up nested arrays. */
const plus = (a: unknown, b: unknown): unknown =>
  Array.isArray(a) ? a.map((each, i) => plus(each, (b as unknown[])[i])) : (a as number) + (b as number)

test('what gradients are taken by is the same for all rows, captured as it is or computed with', () => {
  const given = [matrix(4, 4), matrix(1, 4)[0]!, matrix(2, 4), matrix(3, 4), matrix(5, 4)].map(
    values => values,
  )
  const loss =
    (mask?: boolean[][]) =>
    (x: Tensor, kernel: Tensor, shift: Tensor, ...tables: Tensor[]) => {
      const doubled = ops.multiply(kernel, 2)
      const cell = cellOf((x, h) => {
        const z = ops.add(ops.add(ops.dot(x, kernel), ops.dot(h, doubled)), shift)
        const sums = tables.map(table => ops.sum(ops.multiply(ops.expandDims(z, 1), table), 1))
        return ops.tanh(sums.reduce((sum, each) => ops.add(sum, each), z))
      })
      return ops.sum(ops.square(sequence(cell, x, mask ? { mask } : {})))
    }
  const slopes = (x: number[][][], mask?: boolean[][]) =>
    ops.grad(loss(mask))(
      ...([x, ...given].map(values => tensor(values)) as Parameters<ReturnType<typeof loss>>),
    ) as Tensor[]
  balanced(() =>
    scope(() => {
      for (const masked of [false, true])
        for (const batch of batches) {
          const [x, mask] = [data(batch), masked ? masks(batch) : undefined]
          const [byX, ...others] = slopes(x, mask)
          const single = x.map((row, b) => slopes([row], mask && [mask[b]!]))
          for (const [b, [byRow]] of single.entries()) assert.equal(rowOf(byX!, b), rowOf(byRow!, 0))
          for (const [i, other] of others.entries())
            near(
              other.array(),
              single.map(each => each[i + 1]!.array() as unknown).reduce(plus) as number[],
              1e-5,
            )
        }
    }),
  )
})

test('what is computed row by row from the same as the sequences has rows, what is computed across them has none', () => {
  const whole = (x: SymbolicTensor, mask?: boolean[][]) => {
    const features = ops.tanh(ops.sum(ops.multiply(x, x), 1))
    const cell = cellOf((x, h) => ops.tanh(ops.add(ops.add(x, h), features)))
    return ops.sum(ops.square(sequence(cell, ops.multiply(x, 0.5), mask ? { mask } : {})))
  }
  const across = (x: SymbolicTensor) => {
    const sums = ops.sum(x, 1)
    const kernel = ops.matmul(ops.transpose(sums), sums)
    const cell = cellOf((x, h) => ops.tanh(ops.add(ops.multiply(ops.dot(x, kernel), 0.1), h)))
    return ops.sum(ops.square(sequence(cell, x)))
  }
  balanced(() =>
    scope(() => {
      for (const batch of batches) {
        const x = data(batch)
        for (const mask of [undefined, masks(batch)]) {
          const byX = ops.grad((x: SymbolicTensor) => whole(x, mask))(tensor(x))
          for (const [b, row] of x.entries()) {
            const byRow = ops.grad((x: SymbolicTensor) => whole(x, mask && [mask[b]!]))(tensor([row]))
            assert.equal(rowOf(byX, b), rowOf(byRow, 0))
          }
        }
        slope(across, x)
      }
    }),
  )
})

/** The gradient by x in one direction is the slope of differences. */
function slope(fn: (x: SymbolicTensor) => SymbolicTensor, x: number[][][], before = () => {}) {
  const direction = sequences(x.length, time, x[0]![0]!.length, 77)
  const at = (by: number) => {
    before()
    const moved = x.map((row, b) => row.map((step, t) => step.map((v, i) => v + by * direction[b]![t]![i]!)))
    return ops.valueAndGrad(fn)(tensor(moved))[0].item() as number
  }
  before()
  const byX = ops.grad(fn)(tensor(x)) as Tensor
  const h = 1 / 64
  const expected = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
  near(
    (byX.array() as number[][][]).flat(2).reduce((sum, v, i) => sum + v * direction.flat(2)[i]!, 0),
    expected,
    3e-3,
  )
}

class MovingMean extends RNNCell<[Tensor]> {
  mean!: Variable
  constructor(readonly size: number) {
    super()
    this.stateSize = size
  }
  override build() {
    this.mean = this.addWeight({ shape: [this.size], initializer: 'zeros', name: 'mean', trainable: false })
  }
  override call(x: Tensor, [h]: [Tensor]) {
    this.mean.assign(ops.add(ops.multiply(this.mean, 0.5), ops.multiply(ops.mean(x, 0), 0.5)))
    const y = ops.tanh(ops.add(ops.subtract(x, this.mean), h))
    return [y, [y]]
  }
}

test('variables are no rows: a moving mean as long as the batch', () =>
  balanced(() => {
    for (const batch of batches)
      for (const options of [{}, { unroll: true }, { goBackwards: true }]) {
        const x = sequences(batch, time, batch)
        using average = new RNN({ cell: new MovingMean(batch), ...options })
        average.build([null, time, batch])
        const start = matrix(1, batch, 9)[0]!
        const { mean } = average.cell as MovingMean
        scope(() =>
          slope(
            x => ops.sum(ops.square(average.apply(x as Tensor) as Tensor)),
            x,
            () => void mean.assign(start),
          ),
        )
      }
  }))

/** Reads what it is given beside the sequences from within its cell. */
class Reading extends Layer {
  override call([x, context]: [SymbolicTensor, SymbolicTensor]) {
    const read = ops.tanh(context)
    return sequence(
      cellOf((x, h) => ops.tanh(ops.add(ops.add(x, h), read))),
      x,
    )
  }
}

test('a fixed batch has the bits of any batch, with constants, inputs and dropout masks as large as it', () =>
  balanced(() => {
    const cell = {
      stateSize: units,
      call: (x: Tensor, [h]: [Tensor], { constants: [c] }: { constants: [Tensor] }) => {
        const y = ops.tanh(ops.add(ops.add(x, h), c))
        return [y, [y]]
      },
    }
    for (const batch of batches) {
      const [x, context] = [data(batch), matrix(batch, units, 5)]
      const results = [batch, null].map(size => {
        const inputs = [
          Input({ batchShape: [size, time, units] }),
          Input({ batchShape: [size, units] }),
        ] as const
        const outputs = [
          sequence(cell, inputs[0], { constants: [inputs[1]] }),
          new Reading().apply([...inputs]) as SymbolicTensor,
        ]
        using model = new Model({ inputs: [...inputs], outputs })
        return scope(() => model.predict([x, context]).map(y => y.array()))
      })
      assert.equal(results[0], results[1])
    }
  }))

test('dropout masks have rows inside gradients', () =>
  scope(() => {
    class Dropping extends RNNCell<[Tensor]> {
      constructor() {
        super()
        this.stateSize = units
      }
      override call(x: Tensor, [h]: [Tensor]) {
        const y = ops.tanh(ops.add(ops.multiply(x, this.getDropoutMask(x, 0.5)), h))
        return [y, [y]]
      }
    }
    for (const batch of batches) {
      using layer = new RNN({ cell: new Dropping() })
      const loss = (x: SymbolicTensor) =>
        ops.sum(ops.square(layer.apply(x as Tensor, { mask: masks(batch) }) as Tensor))
      const byX = ops.grad(loss)(tensor(data(batch))) as Tensor
      assert.equal(byX.shape, [batch, time, units])
    }
  }))

test.run()
