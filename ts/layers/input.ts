/** Where data enter a model. */
import { ArgumentError, inLayer } from '../errors.js'
import { KerasTensor, Node } from '../models/graph.js'
import { applyOp } from '../models/op_layer.js'
import { setFunctionalHandler } from '../ops/operation.js'
import { type DType, kindOf, type Shape } from '../tensor/shape.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import type { SizeOptions } from './given_shape.js'
import { Layer } from './layer.js'
import { dims, type Field, type Fields, nullable, only, unwritten } from './options.js'
import { isPlain } from './structure.js'

export type InputOptions = InputShape & {
  /** A fixed batch that goes with `shape`. Default null: any. */
  batchSize?: number | null
  /** Default `'float32'`. */
  dtype?: DType
  name?: string
}

type InputShape =
  /** Without the batch, null where a size is unknown: `[null, 5]` is a sequence of 5 features. */
  | { shape: Shape; batchShape?: never }
  /** With the batch. */
  | { batchShape: Shape; shape?: never }

const dtype: Field<DType> = {
  default: 'float32',
  read(value, place) {
    const name = (isPlain(value) && isPlain(value.config) ? value.config.name : value) as DType
    inLayer(place.layer, () => kindOf(name))
    return name
  },
  write: value => value,
}

export class InputLayer extends Layer {
  static override readonly className: string = 'InputLayer'
  static readonly module: string = 'keras.layers'
  static override readonly sizeOptions: SizeOptions = { rank: 0, axes: {} }
  static override readonly fields: Fields = {
    shape: unwritten(nullable(dims)),
    batchShape: nullable(dims),
    dtype,
    sparse: only(false),
    ragged: only(false),
    optional: only(false),
    inputTensor: only(null),
    typeSpec: only(null),
  }
  override built = true
  override supportsMasking = true
  declare readonly batchShape: Shape
  /** The symbolic tensor that a model starts from. */
  readonly #output: KerasTensor

  constructor(options: InputOptions) {
    super(options as object)
    setFunctionalHandler(applyOp) // all symbolic tensors come from an input
    const given = this as unknown as { shape: Shape | null; batchSize: number | null }
    const own = this.batchInputShape
    const twice = own && (given.shape ? 'shape' : options.batchSize != null ? 'batchSize' : undefined)
    if (twice) {
      throw new ArgumentError(`${this.name}: "${twice}" cannot be given with "batchShape", which has it`, {
        layer: this.name,
        argument: twice,
      })
    }
    if (!own && !given.shape) {
      throw new ArgumentError(`${this.name} needs "shape" or "batchShape"`, {
        layer: this.name,
        argument: 'shape',
      })
    }
    this.batchShape = own ?? [options.batchSize ?? null, ...given.shape!]
    const spec = { shape: this.batchShape, dtype: this.dtype }
    this.#output = new Node(this, [], {}, spec).outputs as KerasTensor
  }

  override get output(): KerasTensor {
    return this.#output
  }

  override getConfig(): Record<string, unknown> {
    const { trainable: _, batch_input_shape: __, ...config } = super.getConfig()
    return config
  }

  override call(inputs: SymbolicTensor): SymbolicTensor {
    return inputs
  }
}

/** A symbolic tensor to build a model from; works with and without `new`. */
export const Input = function Input(options: InputOptions): SymbolicTensor {
  return new InputLayer(options).output
} as ((options: InputOptions) => SymbolicTensor) & (new (options: InputOptions) => SymbolicTensor)
// It makes tensors of another class, so `instanceof` has to be told.
Object.defineProperty(Input, Symbol.hasInstance, {
  value: (tensor: unknown) => tensor instanceof KerasTensor && tensor.node.layer instanceof InputLayer,
})
