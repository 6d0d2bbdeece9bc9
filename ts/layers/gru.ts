/** The GRU layer; its equations are with its cell. */
import { GRUCell, type GRUCellOptions } from '../cells/gru.js'
import type { Tensor } from '../tensor/tensor.js'
import type { InputSpec } from './layer_options.js'
import type { Fields } from './options.js'
import { cellOptions, RecurrentLayer, type RecurrentOptions, recurrentFields, useCudnn } from './recurrent.js'
import type { Exact } from './types.js'

export interface GRUOptions extends GRUCellOptions, RecurrentOptions {
  /** Kept for Keras; there is one kernel for every setting. */
  useCudnn?: boolean | 'auto'
}

/** State: `h` `[batch, units]`. Weights: kernel, recurrent_kernel, bias; gates in the order `z r h`. */
// biome-ignore lint/suspicious/noExplicitAny: a variable of the plain type holds the layer whatever its options
export class GRU<const O extends GRUOptions = any> extends RecurrentLayer<O, Tensor> {
  static override readonly className: string = 'GRU'
  static readonly module: string = 'keras.layers'
  static override readonly fields: Fields = { ...GRUCell.fields, ...recurrentFields, useCudnn }
  declare readonly units: number
  override readonly cell: GRUCell

  override inputSpec: InputSpec = { ndim: 3 }

  constructor(options: Exact<O, GRUOptions>) {
    super(options)
    this.cell = new GRUCell(cellOptions(GRUCell, this))
  }
}
