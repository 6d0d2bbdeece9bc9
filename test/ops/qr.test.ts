import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scope } from '../../ts/engine/handle.js'
import { ShapeError } from '../../ts/errors.js'
import { randomNormal } from '../../ts/ops/draw.js'
import * as ops from '../../ts/ops/index.js'
import { qr } from '../../ts/ops/qr.js'
import { balanced, fails, near } from '../engine/support.js'

test('q is orthonormal, r upper triangular with a positive diagonal, and their product the matrix', () => {
  balanced(() =>
    scope(() => {
      const x = randomNormal([11, 6], 0, 1, [1, 1])
      const [q, r] = qr(x)
      assert.equal(
        [q.shape, r.shape],
        [
          [11, 6],
          [6, 6],
        ],
      )
      const eye = Array.from({ length: 36 }, (_, i) => Number(i % 7 === 0))
      near([...ops.matmul(ops.transpose(q), q).data()], eye, 2e-6)
      near([...ops.matmul(q, r).data()], [...x.data()], 5e-6)
      r.data().forEach((value, i) => {
        const [row, column] = [Math.floor(i / 6), i % 6]
        if (row > column) assert.is(value, 0)
        if (row === column) assert.ok(value > 0)
      })
      fails(() => qr([[1, 2]]), ShapeError, /qr: axis 0 .*must be 2, not 1/)
    }),
  )
})

test.run()
