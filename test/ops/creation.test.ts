import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scope } from '../../ts/engine/handle.js'
import { ArgumentError, ShapeError } from '../../ts/errors.js'
import * as ops from '../../ts/ops/index.js'
import { tensor } from '../../ts/tensor/tensor.js'
import { balanced, fails } from '../engine/support.js'

test('one number everywhere', () => {
  balanced(() =>
    scope(() => {
      assert.equal(ops.zeros([2, 2]).array(), [
        [0, 0],
        [0, 0],
      ])
      assert.equal(ops.ones([3], 'int32').data<Int32Array>(), Int32Array.of(1, 1, 1))
      assert.equal(ops.full([2], 0.1).data(), Float32Array.of(0.1, 0.1))
      assert.equal(ops.full([1], true).array(), [true])
      assert.is(ops.full([], -3, 'int32').item(), -3)
      assert.equal(ops.zeros([0, 4]).shape, [0, 4])
      const x = tensor(Int32Array.of(5, 6))
      assert.equal([ops.zerosLike(x).dtype, ops.zerosLike(x).array()], ['int32', [0, 0]])
      assert.equal(
        [ops.onesLike(x, 'bool').array(), ops.fullLike(x, 9).array()],
        [
          [true, true],
          [9, 9],
        ],
      )
      fails(() => ops.zeros([-1]), ShapeError, /sizes up to 2147483647, not -1/)
      fails(() => ops.full([1], 1.5, 'int32'), ArgumentError, /1\.5/)
    }),
  )
})

test('likes may be numbers, too', () => {
  scope(() => {
    assert.equal(ops.zerosLike([[1, 2]]).array(), [[0, 0]])
    assert.equal(ops.onesLike([true, false]).array(), [true, true])
    fails(() => ops.zerosLike(undefined as never), ArgumentError, /fullLike: x must be numbers/)
  })
})

test.run()
