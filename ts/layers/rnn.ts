/** `RNN({ cell })`: any cell, or a list of cells stacked, over the time axis. */
import type { Cell, RNNCell, WeightlessCell } from '../cells/cell.js'
import { readCell, readCells, StackedRNNCells, writeCell } from '../cells/stacked.js'
import { type Field, type Fields, required, sparing, whole } from './options.js'
import { RecurrentLayer, type RecurrentOptions, recurrentFields } from './recurrent.js'
import type { Exact, StatesOf } from './types.js'

type AnyCell = RNNCell<unknown> | WeightlessCell

export interface RNNOptions extends RecurrentOptions {
  /** How many tensors at the end of a list `[x, ...states, ...constants]` are constants. Default 0. */
  numConstants?: number
  /** A cell, any object with `call` and `stateSize`, or a list of cells that are stacked. */
  cell: AnyCell | readonly AnyCell[]
}

const cell: Field<Cell> = {
  default: required,
  read: (value, { layer }) =>
    Array.isArray(value) ? new StackedRNNCells({ cells: readCells(value, layer) }) : readCell(value, layer),
  write: writeCell,
}

// biome-ignore lint/suspicious/noExplicitAny: a variable of the plain type holds the layer whatever its options
export class RNN<const O extends RNNOptions = any> extends RecurrentLayer<O, StatesOf<O['cell']>> {
  static override readonly className: string = 'RNN'
  static readonly module: string = 'keras.layers'
  static override readonly fields: Fields = {
    cell,
    ...recurrentFields,
    numConstants: sparing(whole(0)),
  }
  declare readonly numConstants: number

  constructor(options: Exact<O, RNNOptions>) {
    super(options)
  }
}
