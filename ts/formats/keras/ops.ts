/**
 * The ops that Keras 3 writes between the layers of a functional model: a mask that Masking or Embedding made is there as
 * `not_equal(x, value)` and, for Masking, `any(axis=-1)`, and goes to the recurrent layers as an argument.
 */
import type { Call } from '../../layers/apply.js'
import { type CallOptions, Layer } from '../../layers/layer.js'
import { type Field, type Fields, flag, reject } from '../../layers/options.js'
import { registerBuiltin } from '../../layers/registry.js'
import { any, notEqual } from '../../ops/index.js'
import type { SymbolicTensor } from '../../tensor/tensor.js'

class NotEqual extends Layer {
  static override readonly className: string = 'NotEqual'

  /** The second operand may be a number and then stays one. */
  override prepare(inputs: unknown, options: CallOptions): Call {
    return { inputs, options }
  }

  override call([a, b]: readonly [SymbolicTensor, SymbolicTensor | number]): SymbolicTensor {
    return notEqual(a, b)
  }
}

const axis: Field<number | number[] | null> = {
  default: null,
  read: (value, place) => {
    const axes = Array.isArray(value) ? value : [value]
    if (value === null || axes.every(Number.isInteger)) return value as number | number[] | null
    return reject(place, 'an axis, axes or null', value)
  },
  write: value => value,
}

class Any extends Layer {
  static override readonly className: string = 'Any'
  static override readonly fields: Fields = { axis, keepdims: flag(false) }
  declare readonly axis: number | number[] | null
  declare readonly keepdims: boolean

  override call(inputs: SymbolicTensor): SymbolicTensor {
    return any(inputs, this.axis ?? undefined, this.keepdims)
  }
}

registerBuiltin('keras.src.ops.numpy', NotEqual, Any)
