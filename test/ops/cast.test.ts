import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scope } from '../../ts/engine/handle.js'
import { UnsupportedError } from '../../ts/errors.js'
import * as ops from '../../ts/ops/index.js'
import type { DType } from '../../ts/tensor/shape.js'
import { tensor } from '../../ts/tensor/tensor.js'
import { balanced, fails } from '../engine/support.js'

test('floats are cut towards zero, anything but 0 is true', () => {
  balanced(() =>
    scope(() => {
      const x = tensor([-1.7, 0, 0.4, 2.9])
      assert.equal(ops.cast(x, 'int32').array(), [-1, 0, 0, 2])
      assert.equal(ops.cast(x, 'bool').array(), [true, false, true, true])
      assert.equal(ops.cast([true, false], 'float32').array(), [1, 0])
      assert.equal(ops.cast(x, 'float32').array(), x.array())
      fails(() => ops.cast(x, 'float64' as DType), UnsupportedError, /"float64"/)
    }),
  )
})

test('mixed dtypes become the widest', () => {
  scope(() => {
    const [int, float, bool] = [tensor(Int32Array.of(7, 8)), tensor([0.5, 1.5]), tensor([true, false])]
    assert.equal([ops.add(int, float).dtype, ops.add(int, float).array()], ['float32', [7.5, 9.5]])
    assert.equal([ops.add(int, bool).dtype, ops.add(int, bool).array()], ['int32', [8, 8]])
    assert.equal([ops.add(bool, bool).dtype, ops.add(bool, bool).array()], ['int32', [2, 0]])
    assert.equal([ops.multiply(int, 2).dtype, ops.multiply(int, 2).array()], ['int32', [14, 16]])
    assert.equal([ops.multiply(0.5, int).dtype, ops.multiply(0.5, int).array()], ['float32', [3.5, 4]])
    assert.equal([ops.divide(int, 2).dtype, ops.divide(int, 2).array()], ['float32', [3.5, 4]])
    assert.equal([ops.less(int, 7.5).dtype, ops.less(int, 7.5).array()], ['bool', [true, false]])
    assert.equal(
      [ops.where(bool, bool, false).dtype, ops.where(bool, bool, false).array()],
      ['bool', [true, false]],
    )
    assert.equal(ops.where(bool, int, 0).dtype, 'int32')
  })
})

test.run()
