/** One step of a cell that is written with ops: its `call`, and what it must return. */
import { CellError, inLayer, show, TraceError } from '../errors.js'
import { Layer } from '../layers/layer.js'
import { stateLeaves, statesFor } from '../layers/state_size.js'
import { leaves, mapNested, type Nested, pack } from '../layers/structure.js'
import { anySize, type TracedTensor } from '../ops/trace.js'
import { fits, isWholeShape, type Shape, shape } from '../tensor/shape.js'
import { SymbolicTensor, type Variable } from '../tensor/tensor.js'
import { type Cell, type CellCallOptions, cellName, outputShape } from './cell.js'

/** What a cell's step made. */
export interface CellStep {
  output: Nested<TracedTensor>
  /** The new states, flat. */
  states: TracedTensor[]
}

/** Runs a cell's `call` in the trace that is recorded; `states` are flat. What it returns is checked. */
export function callCell(
  cell: Cell,
  inputs: Nested<TracedTensor>,
  states: readonly TracedTensor[],
  options: CellCallOptions,
): CellStep {
  const layer = cellName(cell)
  const [{ trace, dims }] = leaves(inputs) as [TracedTensor]
  const fail = (what: string, expected: unknown, actual: unknown): never => {
    const text = typeof expected === 'string' ? expected : show(expected)
    throw new CellError(`${layer}: ${what} ${text}, not ${show(actual)}`, {
      layer,
      argument: 'call',
      expected,
      actual,
    })
  }
  const result: unknown = inLayer(layer, () => cell.call(inputs, statesFor(cell.stateSize, states), options))
  const form = `[output, ${show(statesFor(cell.stateSize, states))}]`
  const [output, after] = Array.isArray(result) && result.length === 2 ? result : []
  const next = stateLeaves(cell.stateSize, after)
  const given = leaves(output as Nested<unknown>)
  if (!next || ![...given, ...next].every(isTensor) || given.length === 0)
    return fail('call must return', form, result)
  const rows = dims[0]! < 0 ? null : dims[0]!
  const sizes =
    cell.outputSize === undefined
      ? undefined
      : mapNested(outputShape(cell), size => shape(rows, ...(size as Shape)))
  // sizes of one output are those of each
  const several = sizes && !isWholeShape(sizes)
  const made = several ? stateLeaves(sizes, output) : given
  if (!made?.every(isTensor)) return fail('the output must be', sizes, output)
  const expected = several ? leaves(sizes) : made.map(() => sizes)
  return inLayer(layer, () => ({
    output: pack(
      several ? sizes : output,
      made.map((leaf, i) => {
        const value = trace.own(leaf as SymbolicTensor)
        const size = expected[i] ?? [rows, ...value.shape.slice(1)]
        const same = agree(dims[0]!, value.dims[0]) && fits(size, value.shape)
        return same ? value : fail('the output must be', size, value)
      }),
    ),
    states: states.map((state, i) => {
      const value = trace.own(next[i] as SymbolicTensor)
      const same =
        value.dtype === state.dtype &&
        value.rank === state.rank &&
        state.dims.every((size, axis) => agree(size, value.dims[axis]))
      return same ? value : fail(`state ${i} comes in and must go out as`, state, value)
    }),
  }))
}

const isTensor = (value: unknown) => value instanceof SymbolicTensor

/** Whether a size may be the same as before. */
export function agree(before: number, after: number | undefined): boolean {
  return before === after || after === anySize || before === anySize
}

/** Refuses a variable that a cell with weights of its own does not own. What a plain object reads is a constant. */
export function admit(cell: Cell): ((variable: Variable) => void) | undefined {
  if (!(cell instanceof Layer)) return undefined
  return variable => {
    if (cell.weights.includes(variable)) return
    throw new TraceError(
      `${cell.name} uses ${variable}, which is not its own: it must stand in a property of the cell, or be given to this.track(layer)`,
      { layer: cell.name, actual: String(variable) },
    )
  }
}
