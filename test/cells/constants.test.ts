/** What constants may be: of any dtype and rank, with rows or without, numbers too; in layers on data, in models, unrolled. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  Bidirectional,
  Input,
  Model,
  ops,
  RNN,
  RNNCell,
  type SymbolicTensor,
  scope,
  shape,
  type Tensor,
  tensor,
} from '../../ts/entry/api.js'
import { balanced, near } from '../engine/support.js'
import { numbers, sequences } from '../support/random.js'

const [batch, time, units] = [2, 4, 3]
const x = sequences(batch, time, units)
const mask = [
  [true, false, true, true],
  [false, true, true, false],
]

type Rest = { constants: Tensor[] }

/** Adds to its state what `read` makes of the constants. */
const adding = (read: (...constants: Tensor[]) => SymbolicTensor) => ({
  stateSize: units,
  call: (x: Tensor, [h]: [Tensor], { constants }: Rest) => {
    const y = ops.add(ops.add(ops.tanh(x), h), read(...constants))
    return [y, [y]]
  },
})

const layerOf = (cell: object, options: object = {}) =>
  new RNN({ cell: cell as never, returnSequences: true, ...options })

const applied = (cell: object, data: unknown, options: object, how: object = {}) => {
  using layer = layerOf(cell, how)
  return (layer.apply(data as Tensor, options) as Tensor).data()
}

const random = (...sizes: number[]) => tensor(numbers(sizes.reduce((a, b) => a * b, 1)), sizes)
const rows = () => tensor([[1], [2]], undefined, 'int32')
const chosen = () => ops.greater(random(batch, units), 0)

/** What each row gets in `[batch, units]`. */
const kinds: Record<string, { given: () => Tensor[]; read: (...constants: Tensor[]) => SymbolicTensor }> = {
  'int rows and bools': {
    given: () => [rows(), chosen()],
    read: (i, m) => ops.where(m!, ops.cast(i!, 'float32'), 0),
  },
  'ids, one-hot': {
    given: () => [
      tensor(
        [
          [0, 1, 2, 1, 0],
          [1, 1, 2, 0, 1],
        ],
        undefined,
        'int32',
      ),
    ],
    read: ids => ops.sum(ops.oneHot(ids!, units), 1),
  },
  'bools of two widths': {
    given: () => [chosen(), ops.greater(tensor([[1], [2]]), 1)],
    read: (a, b) => ops.cast(ops.logicalAnd(a!, b!), 'float32'),
  },
  'ranks 3 broadcast': {
    given: () => [random(batch, 1, units), random(batch, 5, units)],
    read: (a, b) => ops.mean(ops.add(a!, b!), 1),
  },
  'rank 4': { given: () => [random(batch, 2, 2, units)], read: a => ops.sum(a!, [1, 2]) },
}

for (const [name, { given, read }] of Object.entries(kinds))
  test(`${name}: data, a model, unrolled, each row alone`, () =>
    balanced(() =>
      scope(() => {
        const constants = given()
        for (const options of [{}, { mask }]) {
          const all = { ...options, constants }
          const y = applied(adding(read), x, all)
          assert.equal(applied(adding(read), x, all, { unroll: true }), y)
          const inputs = [
            Input({ shape: [null, units] }),
            ...constants.map(({ shape, dtype }) => Input({ shape: shape.slice(1), dtype })),
          ]
          const outputs = layerOf(adding(read)).apply(inputs[0]!, { constants: inputs.slice(1) })
          using model = new Model({ inputs, outputs: outputs as SymbolicTensor })
          const masked = 'mask' in options ? { mask: [mask, ...constants.map(() => null)] } : {}
          const values = constants.map(each => each.array())
          assert.equal(model.predict([x, ...values] as never, masked as never).data, y)
          for (const [b, row] of x.entries()) {
            const own = constants.map(each => tensor([(each.array() as never[])[b]!], undefined, each.dtype))
            const alone = { ...('mask' in options && { mask: [mask[b]!] }), constants: own }
            const width = time * units
            assert.equal(applied(adding(read), [row], alone), y.slice(b * width, (b + 1) * width))
          }
        }
      }),
    ))

test('rank 3 constants go into states of that rank', () =>
  balanced(() =>
    scope(() => {
      const cell = {
        stateSize: shape(5, units),
        outputSize: units,
        call: (_: Tensor, [s]: [Tensor], { constants: [k] }: Rest) => {
          const next = ops.add(s, k!)
          return [ops.sum(next, 1), [next]]
        },
      }
      const k = random(batch, 1, units)
      const y = applied(cell, x, { constants: [k] })
      assert.equal(applied(cell, x, { constants: [k] }, { unroll: true }), y)
      const each = k.data() as Float32Array
      near(
        [...y],
        x.flatMap((row, b) => row.flatMap((_, t) => [0, 1, 2].map(u => 5 * (t + 1) * each[b * units + u]!))),
      )
    }),
  ))

test('a constant whose first size is not the batch is the same for all rows', () =>
  balanced(() =>
    scope(() => {
      const sums = (c: Tensor) => (c.rank === 2 ? ops.sum(c, 0) : c)
      for (const sizes of [[5, units], [1, units], [units], []])
        for (const options of [{}, { mask }, { unroll: true }]) {
          const { unroll = false, ...call } = options as { unroll?: boolean }
          const c = random(...sizes)
          const closed = ops.multiply(sums(c), 1)
          const y = applied(adding(sums), x, { ...call, constants: [c] }, { unroll })
          assert.equal(
            y,
            applied(
              adding(() => closed),
              x,
              call,
              { unroll },
            ),
          )
          assert.equal(applied(adding(sums), x, { ...call, constants: [c] }, { unroll, stateful: true }), y)
        }
    }),
  ))

test('one layer: the same constant for all rows, then as many rows as the batch, then for all again', () =>
  balanced(() =>
    scope(() => {
      // a row of its own where it has rows, all of them where not
      const cell = adding(c => ops.multiply(ops.mean(c, -1, true), 1))
      const layer = layerOf(cell)
      const c = tensor([[1, 3]])
      const run = (b: number) => {
        const data = sequences(b, time, units)
        const made = (layer.apply(data as never, { constants: [c] }) as Tensor).data()
        const expected = data.flatMap(row =>
          [0, 1, 2].map(u => row.reduce((sum, step) => sum + Math.tanh(step[u]!) + 2, 0)),
        )
        const last = data.flatMap((_, i) => [
          ...made.subarray(((i + 1) * time - 1) * units, (i + 1) * time * units),
        ])
        near(last, expected, 1e-5)
      }
      for (const b of [2, 1, 3]) run(b)
      layer.dispose()
    }),
  ))

test('numbers and typed arrays are constants', () =>
  balanced(() =>
    scope(() => {
      const two = applied(
        adding(() => ops.add(2, 0)),
        x,
        {},
      )
      assert.equal(
        applied(
          adding(c => c!),
          x,
          { constants: [2] },
        ),
        two,
      )
      assert.equal(
        applied(
          adding(c => c!),
          x,
          { constants: 2 },
        ),
        two,
      )
      assert.equal(
        applied(
          adding((a, b) => ops.multiply(a!, b!)),
          x,
          { constants: [4, 0.5] },
        ),
        two,
      )
      assert.equal(
        applied(
          adding(c => c!),
          x,
          { constants: [Float32Array.of(2, 2, 2)] },
        ),
        two,
      )
    }),
  ))

class Shifted extends RNNCell {
  constructor() {
    super()
    this.stateSize = units
  }
  override call(x: Tensor, [h]: [Tensor], { constants: [c] }: Rest) {
    const y = ops.tanh(ops.add(ops.add(x, h), c!))
    return [y, [y]]
  }
}

test('both directions take as many constants from a list as their layer says', () =>
  balanced(() =>
    scope(() => {
      const layer = new RNN({ cell: new Shifted(), numConstants: 1 })
      const [xs, c] = [tensor(x), random(batch, units)]
      const states = [random(batch, units), random(batch, units)]
      using both = new Bidirectional({ layer })
      assert.is(both.numConstants, 1)
      const y = both.apply(xs, { constants: [c] } as never) as Tensor
      assert.equal((both.apply([xs, c] as never) as Tensor).array(), y.array())
      const started = both.apply(xs, { constants: [c], initialState: states } as never) as Tensor
      assert.equal((both.apply([xs, ...states, c] as never) as Tensor).array(), started.array())
      layer.dispose()
    }),
  ))

test.run()
