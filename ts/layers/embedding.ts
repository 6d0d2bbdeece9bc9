/** Rows of a table by id: ids `[batch, ...]` give vectors `[batch, ..., outputDim]`. */
import { type Drawing, type InitializerLike, initializer } from '../initializers/initializer.js'
import { cast, notEqual, take } from '../ops/index.js'
import type { Shape } from '../tensor/shape.js'
import type { SymbolicTensor, Variable } from '../tensor/tensor.js'
import type { SizeOptions } from './given_shape.js'
import { Layer } from './layer.js'
import type { LayerOptions } from './layer_options.js'
import { count, type Fields, flag, nullable, unwritten } from './options.js'
import { type ConstraintLike, constraint, type RegularizerLike, regularizer, type Stored } from './stored.js'

export interface EmbeddingOptions extends LayerOptions {
  /** Rows of the table; ids are from 0 to `inputDim - 1`, others are an error. */
  inputDim: number
  outputDim: number
  /** Default `'uniform'`. */
  embeddingsInitializer?: InitializerLike
  embeddingsRegularizer?: RegularizerLike
  embeddingsConstraint?: ConstraintLike
  /** Whether id 0 is padding, masked in the layers behind. Default false. */
  maskZero?: boolean
  /** Steps, for the first layer of a Sequential. */
  inputLength?: number | null
}

export class Embedding extends Layer {
  static override readonly className: string = 'Embedding'
  static readonly module: string = 'keras.layers'
  static override readonly sizeOptions: SizeOptions = { rank: 2, axes: { batchSize: 0, inputLength: 1 } }
  static override readonly fields: Fields = {
    inputDim: count(),
    outputDim: count(),
    embeddingsInitializer: initializer('uniform'),
    embeddingsRegularizer: regularizer(),
    embeddingsConstraint: constraint(),
    maskZero: flag(false),
    inputLength: unwritten(nullable(count())),
  }
  declare readonly $returns: 'same'
  declare readonly inputDim: number
  declare readonly outputDim: number
  declare readonly embeddingsInitializer: Drawing
  declare readonly embeddingsRegularizer: Stored | null
  declare readonly embeddingsConstraint: Stored | null
  declare readonly maskZero: boolean
  declare readonly inputLength: number | null
  declare embeddings: Variable

  constructor(options: EmbeddingOptions) {
    super(options)
    this.supportsMasking = this.maskZero
  }

  override get inputDtype(): 'int32' {
    return 'int32'
  }

  override build(_inputShape: Shape): void {
    this.embeddings = this.addWeight({
      name: 'embeddings',
      shape: [this.inputDim, this.outputDim],
      initializer: this.embeddingsInitializer,
      regularizer: this.embeddingsRegularizer,
      constraint: this.embeddingsConstraint,
    })
  }

  override call(inputs: SymbolicTensor): SymbolicTensor {
    return take(this.embeddings, cast(inputs, 'int32'))
  }

  override computeMask(inputs: SymbolicTensor): SymbolicTensor | null {
    return this.maskZero ? notEqual(inputs, 0) : null
  }
}
