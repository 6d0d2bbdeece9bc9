/** Masks the steps `[batch, time, features]` whose features all equal a value, and sets them to zero. */
import { any, notEqual, where } from '../ops/index.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import { Layer } from './layer.js'
import type { LayerOptions } from './layer_options.js'
import { type Fields, number } from './options.js'

export interface MaskingOptions extends LayerOptions {
  /** Default 0. */
  maskValue?: number
}

export class Masking extends Layer {
  static override readonly className: string = 'Masking'
  static readonly module: string = 'keras.layers'
  static override readonly fields: Fields = { maskValue: number(0) }
  declare readonly $returns: 'same'
  declare readonly maskValue: number
  override supportsMasking = true
  override inputSpec = { minNdim: 2 }

  constructor(options: MaskingOptions = {}) {
    super(options)
  }

  override call(inputs: SymbolicTensor): SymbolicTensor {
    return where(any(notEqual(inputs, this.maskValue), -1, true), inputs, 0)
  }

  override computeMask(inputs: SymbolicTensor): SymbolicTensor {
    return any(notEqual(inputs, this.maskValue), -1)
  }
}
