/** The simple recurrent layer; its equation is with its cell. */
import { SimpleRNNCell, type SimpleRNNCellOptions } from '../cells/simple_rnn.js'
import type { Tensor } from '../tensor/tensor.js'
import type { InputSpec } from './layer_options.js'
import type { Fields } from './options.js'
import { cellOptions, RecurrentLayer, type RecurrentOptions, recurrentFields } from './recurrent.js'
import type { Exact } from './types.js'

export interface SimpleRNNOptions extends SimpleRNNCellOptions, RecurrentOptions {}

/** State: `h` `[batch, units]`. Weights: kernel, recurrent_kernel, bias. */
// biome-ignore lint/suspicious/noExplicitAny: a variable of the plain type holds the layer whatever its options
export class SimpleRNN<const O extends SimpleRNNOptions = any> extends RecurrentLayer<O, Tensor> {
  static override readonly className: string = 'SimpleRNN'
  static readonly module: string = 'keras.layers'
  static override readonly fields: Fields = { ...SimpleRNNCell.fields, ...recurrentFields }
  declare readonly units: number
  override readonly cell: SimpleRNNCell

  override inputSpec: InputSpec = { ndim: 3 }

  constructor(options: Exact<O, SimpleRNNOptions>) {
    super(options)
    this.cell = new SimpleRNNCell(cellOptions(SimpleRNNCell, this))
  }
}
