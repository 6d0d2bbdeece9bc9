/** `activation(x·kernel + bias)` on the last axis: kernel `[features, units]`, bias `[units]`. */
import { type ActivationLike, activation, applyActivation } from '../activations.js'
import { type Drawing, type InitializerLike, initializer } from '../initializers/initializer.js'
import { linear } from '../ops/index.js'
import type { Shape } from '../tensor/shape.js'
import type { SymbolicTensor, Variable } from '../tensor/tensor.js'
import type { SizeOptions } from './given_shape.js'
import { Layer } from './layer.js'
import type { InputSpec, LayerOptions } from './layer_options.js'
import { count, type Fields, flag, nullable, unwritten } from './options.js'
import { type ConstraintLike, constraint, type RegularizerLike, regularizer, type Stored } from './stored.js'

export interface DenseOptions extends LayerOptions {
  units: number
  /** Default null: linear. */
  activation?: ActivationLike | null
  /** Default true. */
  useBias?: boolean
  /** Default `'glorotUniform'`. */
  kernelInitializer?: InitializerLike
  /** Default `'zeros'`. */
  biasInitializer?: InitializerLike
  kernelRegularizer?: RegularizerLike
  biasRegularizer?: RegularizerLike
  kernelConstraint?: ConstraintLike
  biasConstraint?: ConstraintLike
  /** Features, for the first layer of a Sequential. */
  inputDim?: number
}

export class Dense extends Layer {
  static override readonly className: string = 'Dense'
  static readonly module: string = 'keras.layers'
  static override readonly sizeOptions: SizeOptions = { rank: 2, axes: { batchSize: 0, inputDim: -1 } }
  static override readonly fields: Fields = {
    units: count(),
    activation: activation(null),
    useBias: flag(true),
    kernelInitializer: initializer('glorotUniform'),
    biasInitializer: initializer('zeros'),
    kernelRegularizer: regularizer(),
    biasRegularizer: regularizer(),
    kernelConstraint: constraint(),
    biasConstraint: constraint(),
    inputDim: unwritten(nullable(count())),
  }
  declare readonly $returns: 'same'
  declare readonly units: number
  declare readonly activation: ActivationLike | null
  declare readonly useBias: boolean
  declare readonly kernelInitializer: Drawing
  declare readonly kernelRegularizer: Stored | null
  declare readonly kernelConstraint: Stored | null
  declare readonly biasInitializer: Drawing
  declare readonly biasRegularizer: Stored | null
  declare readonly biasConstraint: Stored | null
  declare readonly inputDim: number | null
  declare kernel: Variable
  declare bias: Variable | null
  override supportsMasking = true
  override inputSpec: InputSpec = { minNdim: 2 }

  constructor(options: DenseOptions) {
    super(options)
  }

  override build(inputShape: Shape): void {
    const { units } = this
    const features = inputShape.at(-1)
    if (features) this.inputSpec = { minNdim: 2, axes: { [-1]: features } }
    this.kernel = this.addWeight({
      name: 'kernel',
      shape: [features, units],
      initializer: this.kernelInitializer,
      regularizer: this.kernelRegularizer,
      constraint: this.kernelConstraint,
    })
    this.bias = this.useBias
      ? this.addWeight({
          name: 'bias',
          shape: [units],
          initializer: this.biasInitializer,
          regularizer: this.biasRegularizer,
          constraint: this.biasConstraint,
        })
      : null
  }

  override call(inputs: SymbolicTensor): SymbolicTensor {
    return applyActivation(linear(inputs, this.kernel, this.bias), this.activation)
  }
}
