import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scope } from '../../ts/engine/handle.js'
import { ArgumentError, ShapeError, UnsupportedError } from '../../ts/errors.js'
import * as ops from '../../ts/ops/index.js'
import { tensor, Variable } from '../../ts/tensor/tensor.js'
import { balanced, fails, near } from '../engine/support.js'

const numbers = (length: number, seed: number) =>
  Float32Array.from({ length }, (_, i) => ((i * 37 + seed * 101) % 64) / 32 - 1)

const product = (a: Float32Array, b: Float32Array, [m, k, n]: readonly [number, number, number]) =>
  Array.from({ length: m * n }, (_, at) => {
    let sum = 0
    for (let i = 0; i < k; i++) sum += a[Math.floor(at / n) * k + i]! * b[i * n + (at % n)]!
    return sum
  })

test('products of matrices of odd sizes', () => {
  balanced(() =>
    scope(() => {
      for (const [m, k, n] of [
        [1, 1, 1],
        [1, 7, 5],
        [3, 5, 9],
        [13, 33, 17],
      ] as const) {
        const [a, b] = [numbers(m * k, 1), numbers(k * n, 2)]
        const y = ops.matmul(tensor(a, [m, k]), tensor(b, [k, n]))
        near([...y.data()], product(a, b, [m, k, n]), 1e-5)
      }
    }),
  )
})

test('vectors, more axes, batches', () => {
  scope(() => {
    assert.equal(ops.matmul([[1, 2]], [3, 4]).array(), [11])
    assert.equal(ops.dot([1, 2], [3, 4]).array(), 11)
    assert.equal(
      ops
        .dot(
          [1, 2],
          [
            [1, 0],
            [0, 1],
          ],
        )
        .array(),
      [1, 2],
    )
    assert.equal(ops.matmul(ops.ones([2, 3, 4]), ops.ones([4, 5])).shape, [2, 3, 5])
    const batched = ops.matmul(
      [[[1, 2]], [[3, 4]]],
      [
        [[1], [0]],
        [[0], [1]],
      ],
    )
    assert.equal(batched.array(), [[[1]], [[4]]])
    fails(
      () => ops.matmul([[1, 2]], [[1], [2], [3]]),
      ShapeError,
      /matmul: axis 1 of a \[1, 2\] must be 3, not 2/,
    )
    fails(() => ops.dot(ops.ones([2, 2]), ops.ones([2, 2, 2])), UnsupportedError, /dot/)
  })
})

test('a dense layer', () => {
  const kernel = new Variable({ name: 'kernel', shape: [2, 3], initializer: () => [1, 2, 3, 4, 5, 6] })
  const bias = new Variable({ name: 'bias', shape: [3], initializer: () => [10, 20, 30] })
  scope(() => {
    assert.equal(ops.linear([[1, 1]], kernel, bias).array(), [[15, 27, 39]])
    assert.equal(ops.linear([[1, 1]], kernel).array(), [[5, 7, 9]])
    assert.equal(ops.linear([[1, 1]], kernel, null).array(), [[5, 7, 9]])
  })
  kernel.dispose()
  bias.dispose()
})

test('take gives rows, and refuses ids that are not there', () => {
  balanced(() =>
    scope(() => {
      const table = tensor([
        [1, 2],
        [3, 4],
        [5, 6],
      ])
      assert.equal(ops.take(table, [[2, 0]]).array(), [
        [
          [5, 6],
          [1, 2],
        ],
      ])
      assert.equal(ops.take([7, 8], 1).array(), 8)
      const error = fails(() => ops.take(table, [1, 3]), ArgumentError, /^take: index 3 is not in 0 … 2/)
      assert.is(error.actual, 3)
      fails(() => ops.take(table, [-1]), ArgumentError, /index -1/)
      fails(() => ops.take(table, [0], 1), UnsupportedError, /axis must be 0, not 1/)
    }),
  )
})

test.run()
