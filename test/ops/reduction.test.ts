import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scope } from '../../ts/engine/handle.js'
import { ArgumentError } from '../../ts/errors.js'
import * as ops from '../../ts/ops/index.js'
import { tensor } from '../../ts/tensor/tensor.js'
import { balanced, fails, near } from '../engine/support.js'

const cube = [
  [
    [1, 2],
    [3, 4],
    [5, 6],
  ],
  [
    [-1, 0],
    [2, 2],
    [9, -7],
  ],
]

test('sums and their like over axes', () => {
  balanced(() =>
    scope(() => {
      const x = tensor(cube)
      assert.is(ops.sum(x).item(), 26)
      assert.equal(ops.sum(x, 1).array(), [
        [9, 12],
        [10, -5],
      ])
      assert.equal(ops.sum(x, [0, -1]).array(), [2, 11, 13])
      assert.equal(ops.sum(x, [0, 2], true).shape, [1, 3, 1])
      near(ops.mean(x, 0).array(), [
        [0, 1],
        [2.5, 3],
        [7, -0.5],
      ])
      assert.equal(ops.max(x, 1).array(), [
        [5, 6],
        [9, 2],
      ])
      assert.equal(ops.min(x, [1, 2]).array(), [1, -7])
      assert.equal(ops.prod(x, 2).array(), [
        [2, 12, 30],
        [-0, 4, -63],
      ])
      assert.is(ops.sum([true, true, false]).item(), 2)
      assert.is(ops.mean(Int32Array.of(1, 2)).item(), 1.5)
      assert.ok(Number.isNaN(ops.max([1, Number.NaN, 3]).item()))
    }),
  )
})

test('any and all', () => {
  scope(() => {
    const x = tensor([
      [0, 0],
      [0, 2],
      [1, 1],
    ])
    assert.equal(ops.any(x, -1).array(), [false, true, true])
    assert.equal(ops.all(x, -1).array(), [false, false, true])
    assert.is(ops.any(x).item(), true)
    assert.is(ops.all(x).item(), false)
  })
})

test('argmax and argmin give the first', () => {
  scope(() => {
    const x = tensor([
      [1, 5, 5],
      [4, 0, 4],
    ])
    assert.equal([ops.argmax(x, 1).array(), ops.argmax(x, 1).dtype], [[1, 0], 'int32'])
    assert.equal(ops.argmin(x, 0).array(), [0, 1, 1])
    assert.is(ops.argmax(x).item(), 1)
    assert.is(ops.argmin(x).item(), 4)
  })
})

test('wrong axes and dtypes are refused', () => {
  fails(() => ops.sum([1, 2], 1), ArgumentError, /sum: axis must be in -1 … 0, not 1/)
  const options = ops.sum as (...args: unknown[]) => unknown
  const error = fails(() => options([[1]], { axis: 0 }), ArgumentError, /axis must be .*-2 … 1, not { axis }/)
  assert.equal([error.argument, error.expected], ['axis', 'in -2 … 1'])
  fails(() => options([1], 0, { keepdims: true }), ArgumentError, /keepdims must be a boolean, not { keep/)
  fails(() => options(7, 0), ArgumentError, /axis must be left out, not 0/)
  fails(() => ops.argmax([1], { axis: 0 } as never), ArgumentError, /not { axis }/)
  fails(() => ops.sum([1, 2], 0.5), ArgumentError, /0\.5/)
  fails(() => ops.sum([[1, 2]], [1, -1]), ArgumentError, /sum/)
  fails(() => ops.sum(Int32Array.of(1)), ArgumentError, /must be float32, not int32/)
})

test.run()
