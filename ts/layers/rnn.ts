/** `RNN({ cell })`: any cell, or a list of cells stacked, over the time axis. */
import type { RNNCell } from '../cells/cell.js'
import { readCell, readCells, StackedRNNCells } from '../cells/stacked.js'
import { type Field, type Fields, required } from './options.js'
import { RecurrentLayer, type RecurrentOptions, recurrentFields } from './recurrent.js'
import { serialize } from './registry.js'

export interface RNNOptions extends RecurrentOptions {
  /** A cell, or a list of cells that are stacked. */
  cell: RNNCell | readonly RNNCell[]
}

const cell: Field<RNNCell> = {
  default: required,
  read: (value, { layer }) =>
    Array.isArray(value) ? new StackedRNNCells({ cells: readCells(value, layer) }) : readCell(value, layer),
  write: value => serialize(value),
}

/** The state size of a cell option: a list of cells has a list of their sizes. */
export type SizeOf<C> = C extends readonly RNNCell[]
  ? { readonly [K in keyof C]: SizeOf<C[K]> }
  : C extends { readonly stateSize: infer S }
    ? S
    : unknown

export class RNN<const O extends RNNOptions = RNNOptions> extends RecurrentLayer<O, SizeOf<O['cell']>> {
  static override readonly className: string = 'RNN'
  static override readonly fields: Fields = { cell, ...recurrentFields }

  constructor(options: O) {
    super(options)
  }
}
