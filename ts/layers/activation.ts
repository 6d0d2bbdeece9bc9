/** An activation as a layer. */
import { type ActivationLike, activation, applyActivation } from '../activations.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import { Layer } from './layer.js'
import type { LayerOptions } from './layer_options.js'
import { type Fields, required } from './options.js'

export interface ActivationOptions extends LayerOptions {
  activation: ActivationLike | null
}

export class Activation extends Layer {
  static override readonly className: string = 'Activation'
  static readonly module: string = 'keras.layers'
  static override readonly fields: Fields = { activation: { ...activation(null), default: required } }
  declare readonly $returns: 'same'
  declare readonly activation: ActivationLike | null
  override supportsMasking = true

  constructor(options: ActivationOptions) {
    super(options)
  }

  override call(inputs: SymbolicTensor): SymbolicTensor {
    return applyActivation(inputs, this.activation)
  }
}
