/** Orthogonal matrices: the Q of a normal draw. The engine's R has a positive diagonal, which is how Keras fixes Q's signs. */
import { ShapeError } from '../errors.js'
import { randomNormal } from '../ops/draw.js'
import { multiply, reshape, transpose } from '../ops/index.js'
import { qr } from '../ops/qr.js'
import type { Key } from '../ops/seed.js'
import type { Tensor } from '../tensor/tensor.js'
import type { Draw } from './initializer.js'

export const orthogonalDraws: Readonly<Record<string, Draw>> = {
  Orthogonal: ({ gain }, shape, key) => orthogonal(gain, shape, key),
}

function orthogonal(gain: number, shape: readonly number[], key: Key): Tensor {
  if (shape.length < 2) {
    throw new ShapeError('the orthogonal initializer needs at least two axes', {
      expected: 2,
      actual: shape.length,
    })
  }
  const columns = shape.at(-1)!
  const rows = shape.slice(0, -1).reduce((product, size) => product * size, 1)
  const [q] = qr(randomNormal([Math.max(rows, columns), Math.min(rows, columns)], 0, 1, key))
  return multiply(reshape(rows < columns ? transpose(q) : q, shape), gain)
}
