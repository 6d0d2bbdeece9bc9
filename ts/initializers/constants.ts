/** Zeros, ones, a constant, the identity. */
import { ShapeError } from '../errors.js'
import { number } from '../layers/options.js'
import { full } from '../ops/index.js'
import { tensor } from '../tensor/tensor.js'
import type { Kind } from './initializer.js'

export const constantKinds: Record<string, Kind> = {
  Zeros: { fields: {}, draw: (_, shape) => full(shape, 0) },
  Ones: { fields: {}, draw: (_, shape) => full(shape, 1) },
  Constant: { fields: { value: number(0) }, draw: ({ value }, shape) => full(shape, value) },
  Identity: {
    fields: { gain: number(1) },
    draw({ gain }, shape) {
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
  },
}
