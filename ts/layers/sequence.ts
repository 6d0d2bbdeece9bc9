/** Runs cells over time. The one place that chooses how a cell is run. */
import type { RNNCell } from '../cells/cell.js'
import { FusedCell } from '../cells/fused.js'
import { StackedRNNCells } from '../cells/stacked.js'
import { UnsupportedError } from '../errors.js'
import { cast, flip } from '../ops/index.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import type { Layer } from './layer.js'
import { leaves, type Nested } from './structure.js'

/** How a stack is run: states flat, in cell order. */
export interface RunOptions {
  /** Absent: zeros. */
  states?: readonly SymbolicTensor[]
  /** `[batch, time]`. */
  mask?: SymbolicTensor
  backward: boolean
  /** All outputs of the last cell instead of its last one. */
  all: boolean
  /** Masked steps of the last cell put out zeros. */
  zeroOutput: boolean
  /** Whether `states` are those of a stream, so that earlier steps have been. */
  stream: boolean
}

/** The cells of a stack, inner stacks included; a cell alone is a stack of one. */
export function cellsOf(cell: RNNCell<unknown>): RNNCell<unknown>[] {
  return cell instanceof StackedRNNCells
    ? (cell.cells as readonly RNNCell<unknown>[]).flatMap(cellsOf)
    : [cell]
}

/**
 * Every cell runs over the whole sequence of the one before. The first one decides the direction: what it returns is
 * already in processing order, so the others run forwards, with the mask turned round.
 */
export function runCells(
  layer: Layer,
  cells: readonly RNNCell<unknown>[],
  inputs: SymbolicTensor,
  options: RunOptions,
): { output: SymbolicTensor; states: SymbolicTensor[] } {
  let output = inputs
  let mask = options.mask && cast(options.mask, 'bool')
  let { backward } = options
  const states: SymbolicTensor[] = []
  cells.forEach((cell, i) => {
    if (!(cell instanceof FusedCell)) {
      throw new UnsupportedError(`${layer.name}: custom cells are not supported`, {
        layer: layer.name,
        argument: 'cell',
      })
    }
    const count = leaves(cell.stateSize as Nested<number>).length
    const own = options.states?.slice(states.length, states.length + count)
    // A fused cell's output is its first state: in a stream, that is what a masked step repeats.
    const previous = options.stream && mask ? own?.[0] : undefined
    const last = i === cells.length - 1
    const all = options.all || !last
    const zeroOutput = options.zeroOutput && last
    const result = cell.sequence(output, { states: own, mask, previous, backward, all, zeroOutput })
    output = result.output
    states.push(...result.states)
    if (backward && mask) mask = flip(mask, 1)
    backward = false
  })
  return { output, states }
}
