/** `RNN({ cell })`: any cell, or a list of cells stacked, over the time axis. */
import type { RNNCell } from '../cells/cell.js'
import { readCell, readCells, StackedRNNCells } from '../cells/stacked.js'
import { type Field, type Fields, required } from './options.js'
import { RecurrentLayer, type RecurrentOptions, recurrentFields } from './recurrent.js'
import { serialize } from './registry.js'
import type { Exact, StatesOf } from './types.js'

export interface RNNOptions extends RecurrentOptions {
  /** A cell, or a list of cells that are stacked. */
  cell: RNNCell<unknown> | readonly RNNCell<unknown>[]
}

const cell: Field<RNNCell<unknown>> = {
  default: required,
  read: (value, { layer }) =>
    Array.isArray(value) ? new StackedRNNCells({ cells: readCells(value, layer) }) : readCell(value, layer),
  write: value => serialize(value),
}

// biome-ignore lint/suspicious/noExplicitAny: a variable of the plain type holds the layer whatever its options
export class RNN<const O extends RNNOptions = any> extends RecurrentLayer<O, StatesOf<O['cell']>> {
  static override readonly className: string = 'RNN'
  static override readonly fields: Fields = { cell, ...recurrentFields }

  constructor(options: Exact<O, RNNOptions>) {
    super(options)
  }
}
