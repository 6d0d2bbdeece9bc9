/** Keras 2's CuDNNLSTM and CuDNNGRU: LSTM and GRU with fewer options and two biases, here on every machine. */
import { CuDNNGRUCell, CuDNNLSTMCell } from '../cells/cudnn.js'
import type { Tensor } from '../tensor/tensor.js'
import type { GRUOptions } from './gru.js'
import type { InputSpec } from './layer_options.js'
import type { LSTMOptions } from './lstm.js'
import type { Fields } from './options.js'
import { cellOptions, RecurrentLayer, recurrentFields } from './recurrent.js'
import type { Exact } from './types.js'

const fixed = [
  'activation',
  'recurrentActivation',
  'useBias',
  'resetAfter',
  'dropout',
  'recurrentDropout',
  'seed',
  'implementation',
  'unroll',
  'zeroOutputForMask',
] as const

type Fixed = (typeof fixed)[number] | 'useCudnn'

export type CuDNNLSTMOptions = Omit<LSTMOptions, Fixed>
export type CuDNNGRUOptions = Omit<GRUOptions, Fixed>

const free = (fields: Fields): Fields =>
  Object.fromEntries(
    Object.entries({ ...fields, ...recurrentFields }).filter(([name]) => !fixed.includes(name as never)),
  )

/** States: `h` and `c`, `[batch, units]` each. Weights: kernel, recurrent_kernel, bias `[8·units]`. */
// biome-ignore lint/suspicious/noExplicitAny: a variable of the plain type holds the layer whatever its options
export class CuDNNLSTM<const O extends CuDNNLSTMOptions = any> extends RecurrentLayer<
  O,
  [h: Tensor, c: Tensor]
> {
  static override readonly className: string = 'CuDNNLSTM'
  static readonly module: string = 'keras.layers'
  static override readonly fields: Fields = free(CuDNNLSTMCell.fields)
  declare readonly units: number
  override readonly cell: CuDNNLSTMCell

  override inputSpec: InputSpec = { ndim: 3 }

  constructor(options: Exact<O, CuDNNLSTMOptions>) {
    super(options)
    this.cell = new CuDNNLSTMCell(cellOptions(CuDNNLSTMCell, this))
  }
}

/** State: `h` `[batch, units]`. Weights: kernel, recurrent_kernel, bias `[6·units]`. */
// biome-ignore lint/suspicious/noExplicitAny: a variable of the plain type holds the layer whatever its options
export class CuDNNGRU<const O extends CuDNNGRUOptions = any> extends RecurrentLayer<O, Tensor> {
  static override readonly className: string = 'CuDNNGRU'
  static readonly module: string = 'keras.layers'
  static override readonly fields: Fields = free(CuDNNGRUCell.fields)
  declare readonly units: number
  override readonly cell: CuDNNGRUCell

  override inputSpec: InputSpec = { ndim: 3 }

  constructor(options: Exact<O, CuDNNGRUOptions>) {
    super(options)
    this.cell = new CuDNNGRUCell(cellOptions(CuDNNGRUCell, this))
  }
}
