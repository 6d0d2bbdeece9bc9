/**
 * The trace of one step of a sequence. What code reads from around the step, weights and values of the trace outside, is the same
 * at every step: it comes in as a capture. A variable that is assigned in the step becomes a state.
 */
import { TraceError } from '../errors.js'
import { type DType, kindOf, sizeOf } from '../tensor/shape.js'
import { fromValues, type SymbolicTensor, type Tensor, Variable } from '../tensor/tensor.js'
import type { CellCall } from './cell_call.js'
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
  /** The size of axis 0 of the sequences; absent: nothing has rows, axis 0 is time. */
  batch?: number
  /** Whether the sequences have one step only, which is this one. */
  unrolled?: boolean
  /** Refuses variables that do not belong to the cell. */
  admit?: (variable: Variable) => void
  /** Variables that are something else outside than they were before the run. */
  variables?: ReadonlyMap<Variable, TracedTensor>
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

  constructor(options: StepTraceOptions) {
    const { outer } = options
    super(outer.engine, outer.training ? outer.phase : 'predict', outer)
    this.#options = options
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

  override run<T>(fn: () => T): T {
    if (!this.disposed) return super.run(fn)
    throw new TraceError(
      `a tensor was kept from a step of ${this.cell}. States and results must be passed on, not stored`,
      { layer: this.cell },
    )
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
    if (value instanceof TracedTensor && value.trace === this) return value
    const { outer: trace, variables } = this.#options
    const outer = (value instanceof Variable && variables?.get(value)) || trace.own(value)
    const known = this.#known.get(outer.id)
    if (known) return known
    if (value instanceof Variable) this.#options.admit?.(value)
    const { dims, dtype } = outer
    const lead = this.#hasRows(outer) ? [rows] : this.#inner(dims.slice(0, 1))
    const input = { role: role.capture, operand: outer }
    const inner = this.#input(input, { dims: [...lead, ...this.#inner(dims.slice(1))], dtype })
    this.#known.set(outer.id, inner)
    return inner
  }

  override capture(tensor: SymbolicTensor): TracedTensor {
    return this.own(tensor)
  }

  /** The variable is a state from now on: the step reads what it was after the one before. */
  override assign(target: SymbolicTensor, value: SymbolicTensor): void {
    const { id } = this.own(target)
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
    return this.#options.batch === undefined ? this.#inner(dims) : [rows, ...this.#inner(dims.slice(1))]
  }

  /** Whether axis 0 of a value outside is the batch of the sequences. */
  #hasRows(value: TracedTensor): boolean {
    const { batch, outer } = this.#options
    const [first] = value.dims
    if (batch === undefined) return false
    // a size that is known may be the same by chance, but weights are no rows
    return batch >= 0 ? first === batch && outer.varies(value) : first === batch || first === anySize
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
