/**
 * The trace of one step of a sequence. What code reads from around the step, weights and values of the trace outside, is the same
 * at every step: it comes in as a capture. A variable that is assigned in the step becomes a state.
 */
import { TraceError } from '../errors.js'
import { type DType, kindOf, sizeOf } from '../tensor/shape.js'
import { fromValues, type SymbolicTensor, Tensor, Variable } from '../tensor/tensor.js'
import type { CellCall } from './cell_call.js'
import { Rows } from './rows.js'
import { anySize, Trace, TracedTensor } from './trace.js'

/** What an input of the step is, by the engine's numbers. */
export const role = { x: 0, timeMajorX: 1, state: 2, zeroState: 3, capture: 4 } as const

/** Dims and dtype of a value. */
export interface StepType {
  dims: readonly number[]
  dtype: DType
}

/** An input of the step. */
export interface StepInput {
  role: number
  /** In the trace outside; states that start from zeros have none. */
  operand?: TracedTensor
  value: TracedTensor
  /** What a state becomes. */
  next?: TracedTensor
  /** The variable whose value the state is. */
  variable?: Variable
}

export interface StepTraceOptions {
  /** Where the sequence is computed. */
  outer: Trace
  /** The name of the cell. */
  cell: string
  /** The call that this step is part of. */
  call: CellCall
  /** What has the batch as axis 0, as all sequences; absent: nothing has rows, axis 0 is time. */
  sequence?: TracedTensor
  /** Whether the sequences have one step only, which is this one. */
  unrolled?: boolean
  /** Refuses variables that do not belong to the cell. */
  admit?: (variable: Variable) => void
}

/** The dim of the rows inside a step: symbol 0. */
const rows = -1

export class StepTrace extends Trace {
  readonly inputs: StepInput[] = []
  readonly #options: StepTraceOptions
  /** What came in, by the number of the value outside. */
  #known = new Map<number, TracedTensor>()
  /** Names of sizes, by those outside. */
  #names = new Map<number, number>()
  readonly #rows: Rows | undefined

  constructor(options: StepTraceOptions) {
    const { outer } = options
    super(outer.engine, outer.training ? outer.phase : 'predict', outer)
    this.#options = options
    this.#rows = options.sequence && new Rows(options.sequence)
  }

  override get cell(): string {
    return this.#options.cell
  }

  override get call(): CellCall {
    return this.#options.call
  }

  override get unrolled(): boolean {
    return this.#options.unrolled === true
  }

  override get readable(): boolean {
    return this.unrolled && this.#options.outer.readable
  }

  /** What the sequences bring to a step. */
  x(operand: TracedTensor): TracedTensor {
    const { dims, dtype } = operand
    const [, ...rest] = dims
    return this.#input({ role: role.x, operand }, { dims: this.#lead(rest), dtype })
  }

  /** A state, of each row if there are rows; without `start` it starts from zeros. */
  state(type: StepType, operand?: TracedTensor): TracedTensor {
    const { dims, dtype } = type
    const kind = operand ? role.state : role.zeroState
    return this.#input({ role: kind, operand }, { dims: this.#lead(dims), dtype })
  }

  override own(value: SymbolicTensor): TracedTensor {
    if (value instanceof Tensor) return this.capture(value)
    if (value instanceof TracedTensor && value.trace === this) return value
    if (!(value instanceof TracedTensor)) {
      throw new TraceError(
        `${this.cell} reads ${value} of the model around it: give it to the layer, as in layer.apply(x, { constants: [tensor] })`,
        { layer: this.cell, actual: String(value) },
      )
    }
    const outer = this.#options.outer.own(value)
    return this.#captured(outer)
  }

  protected override origin(tensor: Tensor): TracedTensor {
    const outer = this.#options.outer.own(tensor)
    const isVariable = tensor instanceof Variable
    if (isVariable && !this.#known.has(outer.id)) this.#options.admit?.(tensor)
    return this.#captured(outer, isVariable)
  }

  #captured(outer: TracedTensor, isVariable = false): TracedTensor {
    const known = this.#known.get(outer.id)
    if (known) return known
    const { dims, dtype } = outer
    const lead = !isVariable && this.#rows?.include(outer) ? [rows] : this.#inner(dims.slice(0, 1))
    const input = { role: role.capture, operand: outer }
    const inner = this.#input(input, { dims: [...lead, ...this.#inner(dims.slice(1))], dtype })
    this.#known.set(outer.id, inner)
    return inner
  }

  /** The variable is a state from now on: the step reads what it was after the one before. */
  override assign(target: SymbolicTensor, value: SymbolicTensor): void {
    const id = target instanceof Variable ? this.origin(target).id : undefined
    const input = this.inputs.find(input => input.value.id === id)
    if (!(input && target instanceof Variable))
      throw new TraceError(`${this.cell}: only variables can be assigned in a step`, { layer: this.cell })
    input.role = role.state
    input.variable = target
    input.next = this.own(value)
  }

  override rowState(): never {
    throw new TraceError(`${this.cell}: a step has no states beside those of its cell`, { layer: this.cell })
  }

  protected override tensors(): Tensor[] {
    const known = this.#options.outer.read(this.inputs.flatMap(({ operand }) => operand ?? []))
    const batch = known[0]!.shape[0]!
    return this.inputs.map(({ role: kind, operand, value: { dims, dtype } }) => {
      const values = operand && known.shift()!
      const shape = values?.shape ?? [batch, ...dims.slice(1)]
      const data = values?.data ?? new (kindOf(dtype).Array)(sizeOf(shape))
      return fromValues(this.engine, {
        data,
        shape: kind === role.x ? [batch, ...shape.slice(2)] : shape,
        dtype,
      })
    })
  }

  /** Makes the program of the step. Its outputs are the states' next values, then `emitted`. */
  program(emitted: readonly TracedTensor[]): number {
    const states = this.inputs.flatMap(({ next }) => (next ? [next.id] : []))
    return this.close([...states, ...emitted.map(({ id }) => id)])
  }

  #input(input: Omit<StepInput, 'value'>, { dims, dtype }: StepType): TracedTensor {
    const value = this.declare(dims, dtype)
    this.inputs.push({ ...input, value })
    return value
  }

  /** The dims of what has rows where anything has. */
  #lead(dims: readonly number[]): number[] {
    return this.#options.sequence ? [rows, ...this.#inner(dims.slice(1))] : this.#inner(dims)
  }

  /** Sizes as they are called in the step. */
  #inner(dims: readonly number[]): number[] {
    return dims.map(size => {
      if (size >= 0) return size
      if (size === anySize) return -1 - this.symbol()
      const name = this.#names.get(size) ?? -1 - this.symbol()
      this.#names.set(size, name)
      return name
    })
  }
}
