/** Programs that were traced: bound to shapes they are plans, joined with tensors they are calls, and calls run. */
import type { Engine } from '../engine/engine.js'
import { type Disposes, Handle, made } from '../engine/handle.js'
import { ArgumentError, named } from '../errors.js'
import { type DType, dtypeOf, type Shape } from '../tensor/shape.js'
import { Tensor, Variable } from '../tensor/tensor.js'
import { copyIn } from './copies.js'

/** Shape and dtype of a value. */
export interface TensorType<S extends Shape = Shape> {
  shape: S
  dtype: DType
}

/** What a program is given, and what errors call it. */
export interface InputType extends TensorType {
  name?: string
}

/** Something that a program keeps for each row of the batch from one run to the next. */
export interface RowState extends TensorType<readonly number[]> {
  /** Whose it is. */
  owner: object
  name: string
  /** Which of the trace's `starts` it is before the first step; zeros without. */
  start?: number
  /** The name of the owner's state whose next value it takes, when the program does not assign it. */
  repeats?: string
  /** Its index among the program's inputs, where its tensor [batch, ...shape] is given and assigned. */
  input: number
}

/** Where a record came from, for errors in a run. */
export interface Origin {
  op: string
  /** What the op calls its operands. */
  roles?: readonly string[]
  layer?: string
}

/** What a trace hands over. */
export interface ProgramParts {
  inputs: readonly InputType[]
  captured: readonly Tensor[]
  /** Those that each run assigns. */
  assigned: readonly Tensor[]
  owned: ReadonlySet<Disposes>
  states: readonly RowState[]
  origins: readonly Origin[]
  outputs: number
  /** Values were read while it was traced: it may hold for no other tensors than those that it was traced for. */
  once: boolean
  /** Of all records; equal for equal computations, whatever the engine. */
  hash: number
}

export class Program extends Handle {
  /** What every call must be given, in order; row states are among them. */
  readonly inputs: readonly InputType[]
  /** What the program keeps for each row between runs. */
  readonly states: readonly RowState[]
  readonly #parts: ProgramParts

  /** @internal */
  constructor(engine: Engine, id: number, parts: ProgramParts) {
    super(engine, 'program', id)
    this.inputs = parts.inputs
    this.states = parts.states
    this.#parts = parts
  }

  /** What the trace handed over. @internal */
  get parts(): ProgramParts {
    return this.#parts
  }

  /** Whether it holds only for the tensors that it was traced for. @internal */
  get once(): boolean {
    return this.#parts.once
  }

  /** The variables that the program reads. */
  get variables(): Variable[] {
    return this.#parts.captured.filter(tensor => tensor instanceof Variable)
  }

  /** The plan for inputs of these shapes, in order; one that was made before is given again. */
  bind(shapes: readonly (readonly number[])[]): Plan {
    const { engine } = this
    const room = 16 * this.#parts.outputs
    const words = engine.send(
      shapes.flatMap(shape => [shape.length, ...shape]),
      room,
    )
    const id = engine.call('program_bind', this.id, words)
    if (id === 0) throw this.failure()
    const types: TensorType<readonly number[]>[] = []
    const answer = engine.words(room)
    for (let at = 0; types.length < this.#parts.outputs; ) {
      const dtype = dtypeOf(answer[at]!)
      const rank = answer[at + 1]!
      types.push({ dtype, shape: [...answer.subarray(at + 2, at + 2 + rank)] })
      at += 2 + rank
    }
    return new Plan(this, id, types)
  }

  /** Draws first values that are pending; refuses what was disposed. @internal */
  ready(): void {
    for (const tensor of this.#parts.captured) tensor.ready()
  }

  /** The error of a bind or run that has just failed, naming the op and the layer where it did. @internal */
  failure(what = ''): Error {
    const origin = this.#parts.origins[this.engine.operands[4]!]
    const error = this.engine.failure(origin?.op ?? what, origin ? origin.roles : this.names)
    return (origin?.layer ? named(error, origin.layer) : error) as Error
  }

  /** What messages call the inputs. @internal */
  get names(): (string | undefined)[] {
    return this.inputs.map(({ name }) => name)
  }

  /** Frees the program and what was captured as constants. Its variables stay. */
  override dispose(): void {
    super.dispose()
    for (const tensor of this.#parts.owned) tensor.dispose()
  }

  override toString(): string {
    return 'program'
  }
}

/** A program for known shapes. It belongs to the program and need not be freed. */
export class Plan {
  readonly program: Program
  readonly outputTypes: readonly TensorType<readonly number[]>[]
  /** The engine's number. @internal */
  readonly id: number

  /** @internal */
  constructor(program: Program, id: number, outputTypes: readonly TensorType<readonly number[]>[]) {
    this.program = program
    this.outputTypes = outputTypes
    this.id = id
  }

  /**
   * Joins the plan with tensors: all inputs in order, and for outputs those that are to be written. Outputs that are not given
   * are new tensors, which belong to the caller like those he gave.
   */
  call(inputs: readonly Tensor[], outputs: readonly (Tensor | undefined)[] = []): Call {
    const { program, outputTypes } = this
    const { engine } = program
    program.ready()
    const ids = inputs.map(tensor => idIn(engine, tensor.ready()))
    const targets = outputTypes.map((_, i) => (outputs[i] ? idIn(engine, outputs[i]) : 0))
    const words = engine.send([ids.length, ...ids, targets.length, ...targets], targets.length)
    const id = engine.call('call_new', this.id, words)
    if (id === 0) throw engine.failure('', program.names)
    const answer = engine.words(targets.length)
    const results = outputTypes.map(({ shape, dtype }, i) => {
      if (outputs[i]) return outputs[i]
      const tensor = new Tensor(engine, answer[i]!, shape, dtype)
      made(tensor)
      return tensor
    })
    return new Call(program, id, inputs, results)
  }
}

/** The id of a tensor, which must be one of this engine or have a copy there. */
export function idIn(engine: Engine, tensor: Tensor): number {
  const near = tensor.engine === engine ? tensor : copyIn(engine, tensor)
  if (near) return near.id
  throw new ArgumentError(`${tensor} belongs to another engine`, { actual: String(tensor) })
}

/** A plan with its tensors. Running it allocates nothing. */
export class Call extends Handle {
  readonly outputs: readonly Tensor[]
  readonly #program: Program
  /** Kept reachable: the engine would find them gone. */
  readonly inputs: readonly Tensor[]

  /** @internal */
  constructor(program: Program, id: number, inputs: readonly Tensor[], outputs: readonly Tensor[]) {
    super(program.engine, 'call', id)
    this.#program = program
    this.inputs = inputs
    this.outputs = outputs
  }

  /** Runs once: writes the outputs, then assigns what the program assigns. A run that fails assigns nothing. */
  run(): void {
    const { engine, id } = this
    let status: number
    try {
      status = engine.raw.call_run(id)
    } catch (cause) {
      throw engine.failed ? cause : engine.trapped(cause)
    }
    if (status !== 0) throw this.#failure()
  }

  #failure(): Error {
    const failure = this.#program.failure('run')
    for (const tensor of [...this.inputs, ...this.outputs]) tensor.ready()
    this.#program.ready()
    return failure
  }

  override toString(): string {
    return 'call'
  }
}
