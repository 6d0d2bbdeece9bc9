/** The LSTM layer; its equations are with its cell. */
import { LSTMCell, type LSTMCellOptions } from '../cells/lstm.js'
import type { Tensor } from '../tensor/tensor.js'
import type { InputSpec } from './layer_options.js'
import type { Fields } from './options.js'
import { cellOptions, RecurrentLayer, type RecurrentOptions, recurrentFields, useCudnn } from './recurrent.js'
import type { Exact } from './types.js'

export interface LSTMOptions extends LSTMCellOptions, RecurrentOptions {
  /** Kept for Keras; there is one kernel for every setting. */
  useCudnn?: boolean | 'auto'
}

/** States: `h` and `c`, `[batch, units]` each. Weights: kernel, recurrent_kernel, bias; gates in the order `i f c o`. */
// biome-ignore lint/suspicious/noExplicitAny: a variable of the plain type holds the layer whatever its options
export class LSTM<const O extends LSTMOptions = any> extends RecurrentLayer<O, [h: Tensor, c: Tensor]> {
  static override readonly className: string = 'LSTM'
  static readonly module: string = 'keras.layers'
  static override readonly fields: Fields = { ...LSTMCell.fields, ...recurrentFields, useCudnn }
  declare readonly units: number
  override readonly cell: LSTMCell

  override inputSpec: InputSpec = { ndim: 3 }

  constructor(options: Exact<O, LSTMOptions>) {
    super(options)
    this.cell = new LSTMCell(cellOptions(LSTMCell, this))
  }
}
