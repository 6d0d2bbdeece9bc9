/** Zeros, ones, a constant, the identity. */
import { ShapeError } from '../errors.js'
import { full } from '../ops/index.js'
import { tensor } from '../tensor/tensor.js'
import type { Draw } from './initializer.js'

export const constantDraws: Readonly<Record<string, Draw>> = {
  Zeros: (_, shape) => full(shape, 0),
  Ones: (_, shape) => full(shape, 1),
  Constant: ({ value }, shape) => full(shape, value),
  Identity({ gain }, shape) {
    const [rows, columns] = shape
    if (shape.length !== 2 || rows === undefined || columns === undefined) {
      throw new ShapeError('the identity initializer makes matrices only', {
        expected: 2,
        actual: shape.length,
      })
    }
    const data = new Float32Array(rows * columns)
    for (let i = 0; i < Math.min(rows, columns); i++) data[i * columns + i] = gain
    return tensor(data, shape)
  },
}
