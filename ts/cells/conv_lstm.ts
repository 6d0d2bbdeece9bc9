/**
 * LSTM cells over images: `x` `[batch, ...axes, channels]`, and states `h`, `c` `[batch, ...axes, filters]` of what a convolution
 * makes of it. The gates are those of the LSTM, with convolutions (∗) in place of products:
 *
 *     z = x∗kernel + bias + h∗recurrent_kernel       h padded, with strides and dilation of 1
 *
 * Weights: kernel `[...kernelSize, channels, 4·filters]`, recurrent_kernel `[...kernelSize, filters, 4·filters]`, bias `[4·filters]`.
 */
import { type ActivationLike, activation } from '../activations.js'
import { ShapeError } from '../errors.js'
import type { Drawing } from '../initializers/initializer.js'
import type { Layer } from '../layers/layer.js'
import { count, type Field, type Fields, flag, keyword, reject, required } from '../layers/options.js'
import { leaves } from '../layers/structure.js'
import { type ConvOptions, conv, isChannelsFirst } from '../ops/conv.js'
import { add, reshape, sum, zeros, zerosLike } from '../ops/index.js'
import { sizeAlong } from '../ops/trace.js'
import { counts, isCount, type Shape, shape } from '../tensor/shape.js'
import type { SymbolicTensor, Tensor } from '../tensor/tensor.js'
import type { InitialStateOptions } from './cell.js'
import {
  type DropoutMasks,
  GatedCell,
  type GatedCellOptions,
  gatedFields,
  type Product,
  product,
} from './gated.js'
import { lstmBias, lstmStep } from './lstm.js'

export interface ConvLSTMCellOptions extends GatedCellOptions {
  /** Channels of the states and of the output. */
  filters: number
  /** Along each axis, or one size for all. */
  kernelSize: number | readonly number[]
  /** Of the convolution of the inputs. Default 1. */
  strides?: number | readonly number[]
  /** Of the convolution of the inputs. Default `'valid'`. */
  padding?: 'valid' | 'same'
  /** Whether channels are the last axis, or the first of each image. Default `'channelsLast'`. */
  dataFormat?: ConvOptions['dataFormat'] | null
  /** Of the convolution of the inputs. Default 1. */
  dilationRate?: number | readonly number[]
  /** Of the gates. Default `'sigmoid'`. */
  recurrentActivation?: ActivationLike | null
  /** Starts the forget gate's bias at one, so that a new cell remembers. Default true. */
  unitForgetBias?: boolean
}

/** A positive integer for each axis. */
const sizes = (axes: number, initial?: number): Field<readonly number[]> => ({
  default: initial === undefined ? required : Array(axes).fill(initial),
  read(value, place) {
    const list: unknown = Number.isInteger(value) ? Array(axes).fill(value) : value
    if (Array.isArray(list) && list.length === axes && list.every(isCount)) return list
    return reject(place, axes > 1 ? `${counts}, or ${axes} of them` : counts, value)
  },
  write: value => value,
})

const format = keyword('channels_last', 'channels_first')

const fields = (axes: number): Fields => ({
  filters: count(),
  kernelSize: sizes(axes),
  strides: sizes(axes, 1),
  padding: keyword('valid', 'same'),
  dataFormat: { ...format, read: (value, place) => format.read(value ?? format.default, place) },
  dilationRate: sizes(axes, 1),
  ...gatedFields,
  recurrentActivation: activation('sigmoid'),
  unitForgetBias: flag(true),
})

export abstract class ConvLSTMCell extends GatedCell<[h: Tensor, c: Tensor]> {
  static override readonly className: string = 'ConvLSTMCell'
  declare readonly filters: number
  declare readonly kernelSize: readonly number[]
  declare readonly strides: readonly number[]
  declare readonly padding: 'valid' | 'same'
  declare readonly dataFormat: 'channels_last' | 'channels_first'
  declare readonly dilationRate: readonly number[]
  declare readonly unitForgetBias: boolean

  constructor(options: ConvLSTMCellOptions) {
    super(options)
    this.#sized(this.kernelSize.map(() => null))
  }

  /** Keras 3 has one class for all ranks. Its config says the rank by the kernel's sizes alone. */
  static override fromConfig(config: Readonly<Record<string, unknown>>): Layer {
    // biome-ignore lint/complexity/noThisInStatic: subclasses inherit this
    if (this !== ConvLSTMCell) return super.fromConfig(config)
    const { rank, ...own } = config
    const axes = rank ?? (own.kernel_size as unknown[] | undefined)?.length
    const Class = [ConvLSTM1DCell, ConvLSTM2DCell, ConvLSTM3DCell][Number(axes) - 1]
    const place = { layer: 'ConvLSTMCell', argument: 'rank' }
    return Class ? Class.fromConfig(own) : reject(place, '1, 2 or 3, or as many sizes of the kernel', rank)
  }

  get gates(): number {
    return 4
  }

  protected get width(): number {
    return this.filters
  }

  /** The axis of channels in images of a batch. */
  get channelAxis(): number {
    return isChannelsFirst(this.dataFormat) ? 1 : this.kernelSize.length + 1
  }

  /** The states have images of these sizes. */
  #sized(axes: Shape): void {
    const size = shape(...(this.channelAxis === 1 ? [this.filters, ...axes] : [...axes, this.filters]))
    this.stateSize = [size, size]
  }

  override build(inputShape: Shape): void {
    const axes = inputShape.filter((_, axis) => axis > 0 && axis !== this.channelAxis)
    const made = axes.map((size, i) => {
      const reach = this.padding === 'valid' ? (this.kernelSize[i]! - 1) * this.dilationRate[i]! : 0
      return size === null ? null : Math.ceil((size - reach) / this.strides[i]!)
    })
    if (made.some(size => size !== null && size <= 0)) {
      const place = { layer: this.name, argument: 'inputs' }
      reject(place, 'at least as large as the kernel', inputShape, ShapeError)
    }
    this.#sized(made)
    if (made.includes(null)) this.getInitialState = options => this.#zeros(options)
    super.build(inputShape)
  }

  protected kernelShapes(inputShape: Shape): [Shape, Shape] {
    const { filters, kernelSize } = this
    const columns = 4 * filters
    return [
      [...kernelSize, inputShape[this.channelAxis] ?? null, columns],
      [...kernelSize, filters, columns],
    ]
  }

  protected override get firstBias(): Drawing {
    return lstmBias(this, this.filters)
  }

  protected equations(
    x: SymbolicTensor,
    [h, c]: [SymbolicTensor, SymbolicTensor],
    masks: DropoutMasks = {},
  ): [SymbolicTensor, SymbolicTensor[]] {
    const { kernel, recurrentKernel, bias, dataFormat, channelAxis } = this
    const inner: Product = (h, kernel) => conv(h, kernel, { padding: 'same', dataFormat })
    const z = add(
      product(x, kernel, bias, masks.x, (x, kernel, bias) => conv(x, kernel, this, bias), channelAxis),
      product(h, recurrentKernel, null, masks.h, inner, channelAxis),
    )
    if (!leaves(this.stateSize).flat().includes(null)) return lstmStep(this, z, c, channelAxis)
    // the same sizes have two names
    const [next, [, cell]] = lstmStep(this, z, sized(c, h), channelAxis)
    return [next, [next, sized(cell!, c)]]
  }

  /** Zeros of sizes that are not known yet: those of a convolution. */
  #zeros({ inputs }: InitialStateOptions): SymbolicTensor[] {
    const image = sum(zerosLike(inputs), 1)
    const kernel = zeros([...this.kernelSize, inputs.shape[this.channelAxis + 1]!, this.filters])
    const state = conv(image, kernel, this)
    return [state, state]
  }
}

/** A tensor with the sizes of another one. */
const sized = (x: SymbolicTensor, like: SymbolicTensor) =>
  reshape(
    x,
    like.shape.map((_, axis) => sizeAlong(like, axis)),
  )

/** Over `[batch, rows, channels]`. */
export class ConvLSTM1DCell extends ConvLSTMCell {
  static override readonly className = 'ConvLSTM1DCell'
  static readonly module: string = 'keras.layers'
  static override readonly fields: Fields = fields(1)
}

/** Over `[batch, rows, columns, channels]`. */
export class ConvLSTM2DCell extends ConvLSTMCell {
  static override readonly className = 'ConvLSTM2DCell'
  static readonly module: string = 'keras.layers'
  static override readonly fields: Fields = fields(2)
}

/** Over `[batch, rows, columns, depth, channels]`. */
export class ConvLSTM3DCell extends ConvLSTMCell {
  static override readonly className = 'ConvLSTM3DCell'
  static readonly module: string = 'keras.layers'
  static override readonly fields: Fields = fields(3)
}
