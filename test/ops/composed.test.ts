/** Ops that are made of others: numbers and gradients as in Keras (scripts/fixtures/ops.py), inside steps too. */
import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  ArgumentError,
  ops,
  RNN,
  ShapeError,
  type SymbolicTensor,
  scope,
  type Tensor,
  tensor,
  UnsupportedError,
} from '../../ts/entry/api.js'
import { balanced, fails, near } from '../engine/support.js'
import { assertClose, numbersOf, type Stored } from '../fixtures/replay.js'
import { sequences } from '../support/random.js'

interface Case {
  op: 'einsum' | 'pad' | 'cumsum' | 'cumprod' | 'maxPool' | 'averagePool' | 'topK'
  args: unknown[]
  xs: Stored[]
  y: Stored
  dy: Stored
  gradients: Stored[]
}

const { cases }: { cases: Case[] } = JSON.parse(readFileSync('test/fixtures/ops.json', 'utf8'))
const given = (stored: Stored) => tensor(numbersOf(stored), stored.shape)

function apply({ op, args }: Case, xs: readonly SymbolicTensor[]): SymbolicTensor {
  if (op === 'einsum') return ops.einsum(args[0] as string, ...xs)
  if (op === 'topK') return ops.topK(xs[0]!, args[0] as number).values
  return (ops[op] as (...args: unknown[]) => SymbolicTensor)(xs[0], ...args)
}

for (const each of cases) {
  const { op, args, xs, y, dy, gradients } = each
  const name = `${op} ${JSON.stringify(args)} ${xs.map(({ shape }) => `[${shape}]`).join(' ')}`
  test(`${name}: numbers and gradients as in Keras`, () =>
    balanced(() =>
      scope(() => {
        const values = xs.map(given)
        const made = apply(each, values) as Tensor
        assert.equal(made.shape, y.shape)
        assertClose('y', made.data(), y)
        const loss = (values: readonly SymbolicTensor[]) =>
          ops.sum(ops.multiply(apply(each, values), given(dy)))
        const slopes = ops.grad(loss)(values as never) as unknown as Tensor[]
        for (const [i, slope] of slopes.entries()) assertClose(`gradient ${i}`, slope.data(), gradients[i]!)
      }),
    ))
}

test('what is not there is refused', () => {
  const x = [[1, 2, 3]]
  scope(() => {
    fails(() => ops.einsum('bii->bi', [[[1]]]), UnsupportedError, /subscripts.*letter twice/)
    fails(() => ops.einsum('b...->b', x), ArgumentError, /subscripts must be letters/)
    fails(() => ops.einsum('bi,bj->bij', x), ArgumentError, /for 1 operands/)
    fails(() => ops.einsum('bi->bj', x), ArgumentError, /letter of the output/)
    fails(() => ops.einsum('b->b', x), ShapeError, /operand 0 must be of 1 axes/)
    fails(
      () =>
        ops.pad(
          x,
          [
            [0, 0],
            [3, 0],
          ],
          'reflect',
        ),
      ArgumentError,
      /padWidth/,
    )
    fails(
      () =>
        ops.pad(
          x,
          [
            [0, 0],
            [3, 0],
          ],
          'edge',
        ),
      ArgumentError,
      /mode must be constant or reflect or symmetric/,
    )
    fails(() => ops.maxPool(x, 2), ShapeError, /maxPool: x/)
    fails(() => ops.maxPool([[[1], [2]]], 3), ShapeError, /at least those of the window/)
    fails(() => ops.averagePool([[[1], [2]]], 0), ArgumentError, /poolSize/)
    fails(() => ops.averagePool([[[1], [2]]], 2, { padding: 'full' as never }), ArgumentError, /padding/)
    fails(() => ops.maxPool([[[1], [2]]], 2, { dataFormat: 'first' as never }), ArgumentError, /dataFormat/)
    fails(() => ops.topK(x, 4), ArgumentError, /k must be/)
  })
})

test('topK: each place once, the first of equal ones first, −∞ too', () =>
  scope(() => {
    const { values, indices } = ops.topK(
      [
        [1, 3, 3, 2],
        [-Infinity, -Infinity, 0, -Infinity],
      ],
      3,
    )
    assert.equal(indices.array(), [
      [1, 2, 3],
      [2, 0, 1],
    ])
    assert.equal(values.array(), [
      [3, 3, 2],
      [0, -Infinity, -Infinity],
    ])
    assert.is(indices.dtype, 'int32')
  }))

test('channels first is channels last over turned images', () =>
  scope(() => {
    const x = tensor(
      Float32Array.from({ length: 48 }, (_, i) => Math.fround((i * 7) % 11)),
      [2, 4, 3, 2],
    )
    const turned = ops.transpose(x, [0, 3, 1, 2])
    for (const op of [ops.maxPool, ops.averagePool])
      assert.equal(
        ops
          .transpose(
            op(turned, 2, { strides: 1, padding: 'same', dataFormat: 'channelsFirst' }),
            [0, 2, 3, 1],
          )
          .array(),
        op(x, 2, { strides: 1, padding: 'same' }).array(),
      )
  }))

test('in the steps of a cell: rows stay by themselves, so masked rows are left out, in gradients too', () => {
  const [batch, time, features] = [3, 4, 4]
  const x = sequences(batch, time, features)
  const weights = sequences(1, features, 3)[0]!
  const mask = [
    [true, false, true, true],
    [true, true, false, false],
    [false, false, false, false],
  ]
  const bodies: Record<string, (x: Tensor) => SymbolicTensor> = {
    einsum: x => ops.einsum('bi,io,bo->bo', x, weights, ops.einsum('bi,io->bo', x, weights)),
    'einsum of rows': x => ops.einsum('bi,bj->bij', x, x),
    pad: x =>
      ops.pad(
        x,
        [
          [0, 0],
          [2, 1],
        ],
        'reflect',
      ),
    cumsum: x => ops.cumsum(x, 1),
    'cumsum of more axes': x => ops.cumsum(ops.reshape(x, [-1, 2, 2]), 2),
    cumprod: x => ops.cumprod(x, 1),
    maxPool: x => ops.maxPool(ops.expandDims(x, -1), 2, { strides: 1 }),
    averagePool: x => ops.averagePool(ops.expandDims(x, -1), 2, { padding: 'same' }),
    topK: x => ops.topK(x, 2).values,
    oneHot: x => ops.multiply(ops.slice(x, [0, 0], [null, 3]), ops.oneHot(ops.argmax(x, -1), 3)),
  }
  for (const [name, body] of Object.entries(bodies)) {
    const cell = {
      stateSize: 1,
      call: (x: Tensor, [h]: [Tensor]) => {
        const made = body(ops.tanh(ops.add(x, h)))
        const next = ops.tanh(
          ops.reshape(ops.sum(ops.square(made), made.shape.map((_, i) => i).slice(1)), [-1, 1]),
        )
        return [next, [next]]
      },
    }
    const layer = new RNN({ cell, returnSequences: true })
    scope(() => {
      const poisoned = x.map((row, b) => row.map((step, t) => step.map(v => (mask[b]![t] ? v : Number.NaN))))
      const whole = layer.apply(poisoned, { mask }) as Tensor
      const loss = (x: SymbolicTensor) =>
        ops.sum(ops.multiply(layer.apply(x as Tensor, { mask }) as Tensor, [[[1], [2], [3], [4]]]))
      const slope = ops.grad(loss)(poisoned).array() as number[][][]
      for (const row of slope)
        for (const step of row) assert.ok(step.every(Number.isFinite), `${name}: NaN in the gradient`)
      // alone and trimmed: the same
      const [alone] = (layer.apply([[x[0]![0]!, x[0]![2]!, x[0]![3]!]]) as Tensor).array() as number[][][]
      const [first] = whole.array() as number[][][]
      assert.equal([first![0], first![2], first![3]], alone, name)
      const part = (x: SymbolicTensor) =>
        ops.sum(ops.multiply(layer.apply(x as Tensor) as Tensor, [[[3], [3], [4]]]))
      const [trimmed] = ops
        .grad(part)([[x[0]![0]!, x[0]![2]!, x[0]![3]!]])
        .array() as number[][][]
      near([slope[0]![0]!, slope[0]![2]!, slope[0]![3]!], trimmed!, 1e-6)
    })
    layer.dispose()
  }
})

test.run()
