/** LSTM layers over sequences of images; their equations are with their cells. */
import {
  ConvLSTM1DCell,
  ConvLSTM2DCell,
  ConvLSTM3DCell,
  type ConvLSTMCell,
  type ConvLSTMCellOptions,
} from '../cells/conv_lstm.js'
import { ShapeError, UnsupportedError } from '../errors.js'
import type { Shape } from '../tensor/shape.js'
import type { SymbolicTensor, Tensor } from '../tensor/tensor.js'
import type { InputSpec } from './layer_options.js'
import { type Fields, reject } from './options.js'
import { cellOptions, RecurrentLayer, type RecurrentOptions, recurrentFields } from './recurrent.js'
import type { Nested } from './structure.js'
import type { Exact } from './types.js'

export interface ConvLSTMOptions extends ConvLSTMCellOptions, RecurrentOptions {}

/** States: `h` and `c`, each an image of `filters` channels for each row. Weights: kernel, recurrent_kernel, bias; gates `i f c o`. */
abstract class ConvLSTM<O> extends RecurrentLayer<O, [h: Tensor, c: Tensor]> {
  declare readonly filters: number
  declare readonly cell: ConvLSTMCell

  override build(inputShape: Shape): void {
    const axis = this.cell.channelAxis + 1
    if (this.stateful && inputShape.some((size, at) => size === null && at > 1))
      reject(
        { layer: this.name, argument: 'inputs' },
        'images of known size, as it is stateful',
        inputShape,
        ShapeError,
      )
    super.build(inputShape)
    const { axes } = this.inputSpec as InputSpec
    this.inputSpec = { ...this.inputSpec, axes: { ...axes, [axis]: inputShape[axis]! } }
  }

  override call(
    inputs: Nested<SymbolicTensor>,
    options: Parameters<RecurrentLayer['call']>[1] = {},
  ): Nested<SymbolicTensor> {
    const { name: layer } = this
    const actual = options.mask?.shape
    if (!actual || actual.length === 2) return super.call(inputs, options)
    const text = `${layer}: masks of single positions are not supported, only of [batch, time]`
    throw new UnsupportedError(text, { layer, argument: 'mask', actual })
  }
}

/** Over sequences `[batch, time, rows, channels]`. */
// biome-ignore lint/suspicious/noExplicitAny: a variable of the plain type holds the layer whatever its options
export class ConvLSTM1D<const O extends ConvLSTMOptions = any> extends ConvLSTM<O> {
  static override readonly className: string = 'ConvLSTM1D'
  static readonly module: string = 'keras.layers'
  static override readonly fields: Fields = { ...ConvLSTM1DCell.fields, ...recurrentFields }
  override readonly cell: ConvLSTM1DCell
  override inputSpec: InputSpec = { ndim: 4 }

  constructor(options: Exact<O, ConvLSTMOptions>) {
    super(options)
    this.cell = new ConvLSTM1DCell(cellOptions(ConvLSTM1DCell, this))
  }
}

/** Over sequences `[batch, time, rows, columns, channels]`. */
// biome-ignore lint/suspicious/noExplicitAny: a variable of the plain type holds the layer whatever its options
export class ConvLSTM2D<const O extends ConvLSTMOptions = any> extends ConvLSTM<O> {
  static override readonly className: string = 'ConvLSTM2D'
  static readonly module: string = 'keras.layers'
  static override readonly fields: Fields = { ...ConvLSTM2DCell.fields, ...recurrentFields }
  override readonly cell: ConvLSTM2DCell
  override inputSpec: InputSpec = { ndim: 5 }

  constructor(options: Exact<O, ConvLSTMOptions>) {
    super(options)
    this.cell = new ConvLSTM2DCell(cellOptions(ConvLSTM2DCell, this))
  }
}

/** Over sequences `[batch, time, rows, columns, depth, channels]`. */
// biome-ignore lint/suspicious/noExplicitAny: a variable of the plain type holds the layer whatever its options
export class ConvLSTM3D<const O extends ConvLSTMOptions = any> extends ConvLSTM<O> {
  static override readonly className: string = 'ConvLSTM3D'
  static readonly module: string = 'keras.layers'
  static override readonly fields: Fields = { ...ConvLSTM3DCell.fields, ...recurrentFields }
  override readonly cell: ConvLSTM3DCell
  override inputSpec: InputSpec = { ndim: 6 }

  constructor(options: Exact<O, ConvLSTMOptions>) {
    super(options)
    this.cell = new ConvLSTM3DCell(cellOptions(ConvLSTM3DCell, this))
  }
}
