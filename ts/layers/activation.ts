/** An activation as a layer. */
import { type ActivationName, activation, activationKind } from '../activations.js'
import { activate } from '../ops/index.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import { Layer } from './layer.js'
import type { LayerOptions } from './layer_options.js'
import { type Fields, required } from './options.js'

export interface ActivationOptions extends LayerOptions {
  activation: ActivationName | null
}

export class Activation extends Layer {
  static override readonly className: string = 'Activation'
  static override readonly fields: Fields = { activation: { ...activation(null), default: required } }
  declare readonly $returns: 'same'
  declare readonly activation: ActivationName | null
  override supportsMasking = true

  constructor(options: ActivationOptions) {
    super(options)
  }

  override call(inputs: SymbolicTensor): SymbolicTensor {
    return activate(inputs, activationKind(this.activation))
  }
}
