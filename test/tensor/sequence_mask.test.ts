import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { ArgumentError } from '../../ts/errors.js'
import { sequenceMask } from '../../ts/tensor/sequence_mask.js'
import { fails } from '../engine/support.js'

test('the first steps count', () => {
  assert.equal(sequenceMask([2, 0, 3]).array(), [
    [true, true, false],
    [false, false, false],
    [true, true, true],
  ])
  assert.equal(sequenceMask([1], 2).shape, [1, 2])
  assert.equal(sequenceMask([]).shape, [0, 0])
})

test('lengths beyond the end are refused', () => {
  fails(() => sequenceMask([4], 3), ArgumentError, /lengths must be in 0 … 3, not 4/)
  fails(() => sequenceMask([1.5]), ArgumentError, /1\.5/)
  fails(() => sequenceMask([-1], 3), ArgumentError, /-1/)
  fails(() => sequenceMask(undefined as never), ArgumentError, /sequenceMask: lengths must be numbers/)
})

test('many rows, and masks that are too large', () => {
  assert.is(sequenceMask(new Int32Array(200_000).fill(2)).shape[1], 2)
  for (const maxLength of [2 ** 33, 2 ** 30, -1, 1.5])
    fails(
      () => sequenceMask([0, 0, 0], maxLength),
      ArgumentError,
      /maxLength must be a size that fits 3 rows/,
    )
})

test.run()
