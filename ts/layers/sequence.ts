/** Runs cells over time. The one place that chooses how a cell is run. */
import { type Cell, cellName, cellsOf } from '../cells/cell.js'
import { FusedCell } from '../cells/fused.js'
import { type DropoutMasks, GatedCell } from '../cells/gated.js'
import { admit, agree, callCell } from '../cells/traced.js'
import { ArgumentError, CellError, inLayer, inPart, show, UnsupportedError } from '../errors.js'
import { CellCall } from '../ops/cell_call.js'
import { cast, expandDims, flip, multiply, shape, zeros } from '../ops/index.js'
import { hasRows } from '../ops/rows.js'
import { steps } from '../ops/steps.js'
import { anySize, sizeAlong, TracedTensor } from '../ops/trace.js'
import { fits, type Shape } from '../tensor/shape.js'
import { SymbolicTensor } from '../tensor/tensor.js'
import type { Layer } from './layer.js'
import { stateLeaves, stateShapes } from './state_size.js'
import type { RowStates } from './states.js'
import { leaves, type Nested, pack } from './structure.js'
import { unrolledSteps } from './unroll.js'

/** How a stack is run: states flat, in cell order. */
export interface RunOptions {
  /** Absent: zeros. */
  states?: readonly SymbolicTensor[]
  /** `[batch, time]`. */
  mask?: SymbolicTensor
  backward: boolean
  /** Inputs, mask and all outputs are `[time, batch, ...]`: only for cells that `takesTimeFirst` names. */
  timeMajor: boolean
  /** All outputs of the last cell instead of its last one. */
  all: boolean
  /** Masked steps of the last cell put out zeros. */
  zeroOutput: boolean
  /** A custom cell's `call` runs once for each step. */
  unroll: boolean
  training: boolean
  /** What cells are given at every step. */
  constants: readonly TracedTensor[]
  /** In a stream: what keeps the states, since earlier steps have been. */
  stream?: RowStates
}

/** Whether all of them run in the engine's kernel, which takes either order of the axes. */
export function takesTimeFirst(cells: readonly Cell[], training: boolean): boolean {
  return cells.every(
    cell => cell instanceof FusedCell && cell.fused && !(training && (cell.dropout || cell.recurrentDropout)),
  )
}

/**
 * Every cell runs over the whole sequence of the one before. The first one decides the direction: what it returns is
 * already in processing order, so the others run forwards, with the mask turned round.
 */
export function runCells(
  layer: Layer,
  cells: readonly Cell[],
  inputs: Nested<TracedTensor>,
  options: RunOptions,
): { output: Nested<SymbolicTensor>; states: SymbolicTensor[] } {
  const [{ trace }] = leaves(inputs) as [TracedTensor]
  options.constants.forEach(hasRows)
  const used = () => options.constants.map(value => trace.uses(value))
  const before = used()
  let output: Nested<SymbolicTensor> = inputs
  let mask = options.mask && cast(options.mask, 'bool')
  let { backward } = options
  const states: SymbolicTensor[] = []
  cells.forEach((cell, i) => {
    const count = stateShapes(cell.stateSize).length
    const own = options.states?.slice(states.length, states.length + count)
    const last = i === cells.length - 1
    const all = options.all || !last
    const how = { ...options, states: own, mask, backward, all, zeroOutput: options.zeroOutput && last }
    const result = inPart(`${i}`, () => runCell(cell, output, how))
    output = result.output
    states.push(...result.states)
    if (backward && mask) mask = flip(mask, options.timeMajor ? 0 : 1)
    backward = false
  })
  if (options.constants.length > 0 && used().every((count, i) => count === before[i])) {
    const name = [...new Set(cells.map(cellName))].join(' and ')
    throw new ArgumentError(`${layer.name}: ${name} does not use constants`, {
      layer: layer.name,
      argument: 'constants',
    })
  }
  return { output, states }
}

type Run = Omit<RunOptions, 'states'> & { states?: readonly SymbolicTensor[]; masks?: DropoutMasks }

function runCell(cell: Cell, inputs: Nested<SymbolicTensor>, how: Run) {
  const drops = how.training && cell instanceof GatedCell && cell.drops
  const masks = drops
    ? cell.drawMasks(inputs as SymbolicTensor, shape(inputs as SymbolicTensor).slice(2))
    : undefined
  const [mask, ...others] = masks?.x ?? []
  // One mask of the inputs is the same inputs less some; others are inside the products.
  const simple = others.length === 0 && !masks?.h
  const x = mask && simple ? multiply(inputs as SymbolicTensor, expandDims(mask, 1)) : inputs
  if (cell instanceof FusedCell && cell.fused && simple) return runFused(cell, x, how)
  return runTraced(cell, x, { ...how, ...(masks && { masks: simple ? {} : masks }) })
}

function runFused(cell: FusedCell, inputs: Nested<SymbolicTensor>, { stream, ...options }: Run) {
  const { states, mask, backward, all, zeroOutput, timeMajor } = options
  if (!(inputs instanceof SymbolicTensor)) {
    const layer = cell.name
    throw new ArgumentError(`${layer} takes one tensor, not ${show(inputs)}`, { layer, argument: 'inputs' })
  }
  const how = { states, mask, backward, all, zeroOutput, timeMajor }
  if (!stream || zeroOutput) return cell.sequence(inputs, how)
  // What a masked step repeats is the last output, which is the state only when there was a step.
  const [h] = states as [TracedTensor]
  if (!mask) {
    stream.more(h, { repeats: h })
    return cell.sequence(inputs, how)
  }
  const memory = stream.more(h)
  const result = cell.sequence(inputs, { ...how, previous: memory })
  h.trace.assign(memory, result.previous!)
  return result
}

function runTraced(cell: Cell, inputs: Nested<SymbolicTensor>, options: Run) {
  const sequences = leaves(inputs) as TracedTensor[]
  const [{ trace }] = sequences as [TracedTensor]
  const { mask, masks, backward, all, zeroOutput, stream, training, constants } = options
  const states =
    options.states?.map(state => trace.own(state)) ??
    stateShapes(cell.stateSize).map(size => ({
      dims: [anySize, ...known(cell, size)],
      dtype: 'float32' as const,
    }))
  const call = (x: Nested<TracedTensor>, before: readonly TracedTensor[]) =>
    callCell(cell, x, before, { training, constants, ...(masks && { masks }) })
  if (options.unroll && stream) {
    const layer = cellName(cell)
    throw new UnsupportedError(`${layer} cannot stream with unroll: its steps may differ`, {
      layer,
      argument: 'unroll',
    })
  }
  let form: Nested<unknown>
  let memory: readonly TracedTensor[] = []
  const remember = (outputs: readonly TracedTensor[]) => {
    memory = outputs.map(output => stream!.more(output))
    return memory
  }
  const run = options.unroll ? unrolledSteps : steps
  const result = run({
    trace,
    call: new CellCall(sequences[0]!, stream?.more),
    cell: cellName(cell),
    admit: admit(cell),
    inputs: sequences,
    states,
    mask,
    backward,
    all,
    zeroOutput,
    previous: stream && remember,
    remember: stream !== undefined,
    step(x, before) {
      const { output, states } = call(pack(inputs, x), before)
      form = output
      return { outputs: leaves(output), states }
    },
  })
  memory.forEach((row, i) => {
    trace.assign(row, result.previous[i]!)
  })
  return { output: pack<SymbolicTensor>(form, result.outputs), states: result.states }
}

/** The size of a state that starts from zeros. */
function known(cell: Cell, size: Shape): readonly number[] {
  if (size.every(each => each !== null)) return size as readonly number[]
  const layer = cellName(cell)
  throw new CellError(`${layer}: states of the shape ${show(size)} need getInitialState or an initialState`, {
    layer,
    argument: 'stateSize',
    actual: size,
  })
}

/** What the cells say that their states start from, flat; undefined when none says anything. */
export function firstStates(
  cells: readonly Cell[],
  inputs: Nested<SymbolicTensor>,
): SymbolicTensor[] | undefined {
  if (!cells.some(cell => typeof cell.getInitialState === 'function')) return undefined
  return cells.flatMap(cell => firstStatesOf(cell, inputs))
}

/** What the states of a cell, or of each of a stack, start from, flat. */
export function allFirstStates(cell: Cell, inputs: Nested<SymbolicTensor>): SymbolicTensor[] {
  return cellsOf(cell).flatMap(each => firstStatesOf(each, inputs))
}

function firstStatesOf(cell: Cell, inputs: Nested<SymbolicTensor>): SymbolicTensor[] {
  const [first] = leaves(inputs) as [SymbolicTensor]
  const batchSize = sizeAlong(first, 0)
  const shapes = stateShapes(cell.stateSize)
  if (typeof cell.getInitialState !== 'function')
    return shapes.map(size => zeros([batchSize, ...known(cell, size)]))
  const layer = cellName(cell)
  const made = inLayer(layer, () => cell.getInitialState!({ inputs, batchSize, dtype: 'float32' }))
  const flat = stateLeaves(cell.stateSize, made)
  const fail = (expected: unknown, actual: unknown): never => {
    throw new CellError(`${layer}: getInitialState must return ${show(expected)}, not ${show(actual)}`, {
      layer,
      argument: 'getInitialState',
      expected,
      actual,
    })
  }
  const form = shapes.map(size => [first.shape[0] ?? null, ...size])
  if (!flat?.every(value => value instanceof SymbolicTensor)) return fail(form, made)
  return (flat as SymbolicTensor[]).map((state, i) => {
    // never broadcast: a row of its own for each sequence
    const same = agree(rowsOf(first), rowsOf(state)) && fits(form[i]!, state.shape)
    return same ? state : fail(form[i], state)
  })
}

const rowsOf = (value: SymbolicTensor) =>
  (value instanceof TracedTensor ? value.dims[0] : value.shape[0]) ?? Number.NaN
