/**
 * Traces: code that computes with ops is run once with tensors that have no data; each op is one record, checked by the engine
 * when it is made. What comes of it is a program, which runs for any sizes that were left unknown.
 */
import { currentEngine, type Engine } from '../engine/engine.js'
import { currentTrace, type Disposes, Handle, scope, within } from '../engine/handle.js'
import { currentLayer, TraceError } from '../errors.js'
import { Op } from '../generated/enums.js'
import type { NdArray } from '../tensor/ndarray.js'
import { type DType, dtypeOf, kindOf, type Shape } from '../tensor/shape.js'
import { type SymbolicTensor, Tensor, Variable } from '../tensor/tensor.js'
import type { CellCall } from './cell_call.js'
import { type InputType, idIn, type Origin, Program, type ProgramParts, type RowState } from './program.js'
import { currentOperation } from './public_op.js'
import { RowStateList } from './row_states.js'
import { checkTimewise } from './timewise.js'
import { keptFrom, strayed, TracedTensor } from './traced_tensor.js'
import { emptyHash, hashWords } from './words.js'

export { Call, Plan, Program, type RowState, type TensorType } from './program.js'
export { anySize, Dim, sizeAlong, TracedTensor } from './traced_tensor.js'

/** What a program is for: a whole batch of sequences, one step after the other, or what such steps start from. */
export type Phase = 'predict' | 'stream' | 'start' | 'train' | 'evaluate'

export class Trace extends Handle {
  readonly phase: Phase
  #inputs: InputType[] = []
  #declared: TracedTensor[] = []
  #captured = new Map<Tensor, TracedTensor>()
  #states = new RowStateList()
  #assigned = new Map<number, TracedTensor>()
  /** Where its records come from. @internal */
  readonly origins: Origin[] = []
  #owned: Set<Disposes>
  #symbols = 1
  /** What row states start from: the outputs of the phase `start`, in whose traces they come in the same order. */
  readonly starts: SymbolicTensor[] = []
  /** The values that differ from step to step. */
  #stepped = new Set<number>()
  /** What variables will be: said by code that is still running; what is read from now on. */
  #said = new Map<Tensor, TracedTensor>()
  #after = new Map<Tensor, TracedTensor>()
  /** Whether what is recorded may mix time steps. */
  #mixesTime = false
  /** How often ops read a value. */
  #uses = new Map<number, number>()
  /** How often keys were counted. */
  #counts = new Map<string, number>()
  /** Of all that was recorded, in the steps inside too. */
  #hash = emptyHash
  /** The trace that is around all others. */
  readonly root: Trace
  /** The tensors of its inputs, where it is traced for them. */
  #given: readonly Tensor[] | undefined
  /** Whether values were read: what was recorded may hold for these tensors alone. */
  #hasRead = false

  /** With `outer`, that trace keeps the constants. */
  constructor(engine: Engine, phase: Phase, outer?: Trace) {
    super(engine, 'trace', engine.make('trace', 'builder_new', []))
    this.phase = phase
    this.root = outer?.root ?? this
    this.#owned = outer ? outer.#owned : new Set()
  }

  /** The name of the cell whose step this is. */
  get cell(): string | undefined {
    return undefined
  }

  /** In a step: the call of the cell. @internal */
  get call(): CellCall | undefined {
    return undefined
  }

  /** Whether it is one step of a sequence, with values of its own. @internal */
  get unrolled(): boolean {
    return false
  }

  /** Whether its values can be read. @internal */
  get readable(): boolean {
    return this.#given !== undefined
  }

  /** How often it was asked with this key before. */
  count(key: string): number {
    const count = this.#counts.get(key) ?? 0
    this.#counts.set(key, count + 1)
    return count
  }

  /** The trace that is being recorded. */
  static current(): Trace | undefined {
    return currentTrace()
  }

  /** Runs `fn` outside of any trace: what it computes is computed at once, and the tensors it makes are its own. */
  static outside<T>(fn: () => T): T {
    return within({}, fn)
  }

  /** Traces `fn` into a program, with `given` for these tensors: then steps that are unrolled may read values. */
  static program(
    engine: Engine,
    phase: Phase,
    fn: (trace: Trace) => readonly SymbolicTensor[],
    given?: readonly Tensor[],
  ): Program {
    return Trace.#use(new Trace(engine, phase), trace => {
      trace.#given = given
      return trace.finish(trace.run(() => fn(trace)))
    })
  }

  /** Traces `fn` to see shapes and dtypes, or whether it can be traced; nothing of it stays. */
  static infer<T>(fn: (trace: Trace) => T, engine: Engine = currentEngine(), phase: Phase = 'predict'): T {
    return Trace.#use(new Trace(engine, phase), trace => trace.run(() => fn(trace)))
  }

  static #use<T>(trace: Trace, fn: (trace: Trace) => T): T {
    try {
      return fn(trace)
    } finally {
      trace.dispose()
    }
  }

  /** Whether dropout and its like act. */
  get training(): boolean {
    return this.phase === 'train'
  }

  /** Runs `fn` with ops recorded here. */
  run<T>(fn: () => T): T {
    if (this.disposed) throw keptFrom(this.cell, 'a tensor')
    return within({ trace: this, owned: this.#owned }, fn)
  }

  /** A new name for a size that is not known. */
  symbol(): number {
    return this.#symbols++
  }

  /**
   * A value that every run is given. Null sizes are unknown: axis 0 is the batch (symbol 0), others are names of their own,
   * unless `symbols` says which, axis by axis. Axes with the same symbol have the same size. Errors call it `name`.
   */
  input(
    shape: Shape,
    dtype: DType = 'float32',
    symbols: readonly (number | undefined)[] = [],
    name?: string,
  ): TracedTensor {
    const dims = shape.map((size, axis) => size ?? -1 - (symbols[axis] ?? (axis === 0 ? 0 : this.symbol())))
    this.#inputs.push({ shape, dtype, name })
    return this.declare(dims, dtype)
  }

  /** Records an input. */
  protected declare(dims: readonly number[], dtype: DType): TracedTensor {
    const [value] = this.emit(Op.Input, [], [kindOf(dtype).code, dims.length, ...dims])
    this.#declared.push(value!)
    return value!
  }

  /** A tensor that the program reads in every run: a weight, as calls before have left it, or a constant of the code. */
  capture(tensor: Tensor): TracedTensor {
    return this.#after.get(tensor) ?? this.origin(tensor)
  }

  /** A tensor as it is before the run. */
  protected origin(tensor: Tensor): TracedTensor {
    const known = this.#captured.get(tensor)
    if (known) return known
    const [value] = this.emit(Op.Variable, [], [idIn(this.engine, tensor)])
    this.#captured.set(tensor, value!)
    return value!
  }

  /**
   * In the phase `stream`: something [batch, ...shape] that each row keeps from one run to the next, zeros at first. `assign` says
   * what it will be. The same owner and name give the same value.
   */
  rowState(
    owner: object,
    name: string,
    shape: readonly number[],
    { dtype = 'float32', ...rest }: { dtype?: DType; start?: number; repeats?: string } = {},
  ): TracedTensor {
    return this.#states.get(owner, name, () => {
      const state: RowState = { owner, name, shape, dtype, input: this.#inputs.length, ...rest }
      return { state, value: this.input([null, ...shape], dtype, [], `state ${name}`) }
    })
  }

  /** Says that the value differs from step to step, and so what is computed from it. */
  step(value: TracedTensor): void {
    this.#stepped.add(value.id)
  }

  /** Whether the value differs from step to step. */
  isStepped(value: SymbolicTensor): boolean {
    return value instanceof TracedTensor && this.#stepped.has(value.id)
  }

  /** The variables of the program, or its inputs and constants. @internal */
  sources(variables: boolean): TracedTensor[] {
    const captured = [...this.#captured].filter(([tensor]) => tensor instanceof Variable === variables)
    return [...(variables ? [] : this.#declared), ...captured.map(([, value]) => value)]
  }

  /** Whether axis 0 of the value would have a name that axis 0 of these had. @internal */
  follows(value: number, named: readonly number[]): boolean {
    return this.engine.call('builder_follows', this.id, this.engine.send([value, ...named])) === 1
  }

  /** How many ops have read the value. @internal */
  uses(value: { id: number }): number {
    return this.#uses.get(value.id) ?? 0
  }

  /**
   * After every run, the tensor given for the input `target`, or the variable, takes the value; the last one said counts. What reads
   * it in this trace reads what was before the run; see `say` for variables.
   */
  assign(target: SymbolicTensor, value: SymbolicTensor): void {
    const { id } = target instanceof Tensor ? this.origin(target) : this.own(target)
    if (![...this.#declared, ...this.sources(true)].some(target => target.id === id))
      throw new TraceError('only inputs, row states and variables can be assigned')
    this.#assigned.set(id, this.own(value))
  }

  /** The same of a variable, by user code. What reads it goes on reading the old value until a layer or a loop begins or ends. @internal */
  say(variable: Tensor, value: SymbolicTensor): void {
    this.assign(variable, value)
    this.#said.set(variable, this.own(value))
  }

  /** A layer, a loop or a choice begins or ends. @internal */
  settle(): void {
    for (const [variable, value] of this.#said) this.#after.set(variable, value)
    this.#said.clear()
  }

  /** Runs `fn`, which may be one of two: its value, and what it says of variables, which nothing behind it reads yet. @internal */
  apart<T>(fn: () => T): { value: T; said: ReadonlyMap<Tensor, TracedTensor> } {
    this.settle()
    const before = this.#after
    this.#after = new Map(before)
    try {
      const value = fn()
      this.settle()
      return { value, said: new Map([...this.#after].filter(([key, now]) => before.get(key) !== now)) }
    } finally {
      this.#after = before
    }
  }

  /** Records an op; gives its values. The engine checks the operands. */
  emit(op: Op, inputs: readonly SymbolicTensor[], attrs: readonly number[]): TracedTensor[] {
    const operands = inputs.map(input => this.own(input))
    const ids = operands.map(operand => operand.id)
    const skip = op === Op.Variable || op === Op.Steps ? ids.length + 3 : -1
    const words = this.send([op, ids.length, ...ids, attrs.length, ...attrs], 0, skip)
    const origin: Origin = { ...currentOperation(op), layer: currentLayer() }
    const count = this.engine.call('builder_record', this.id, words)
    const shapes = () => operands.map(operand => operand.shape)
    if (count === 0) throw this.engine.failure(origin.op, origin.roles, shapes())
    for (const id of ids) this.#uses.set(id, (this.#uses.get(id) ?? 0) + 1)
    // an op that makes tensors reads only sizes
    const values = this.answered(count, op === Op.Fill ? [] : ids, origin) as TracedTensor[]
    if (this.phase === 'stream' && !this.#mixesTime) checkTimewise(op, attrs, operands, values, origin)
    return values
  }

  /** Runs `fn`; whether its records may mix time steps in a stream. @internal */
  mixing<T>(allowed: boolean, fn: () => T): T {
    const outer = this.#mixesTime
    this.#mixesTime = allowed
    try {
      return fn()
    } finally {
      this.#mixesTime = outer
    }
  }

  /** Sends what is computed; at `skip` stands where the engine keeps a variable or a program, which is no part of that. @internal */
  send(words: readonly number[], room = 0, skip = -1): number {
    const computed = words.map((word, i) => (i === skip ? 0 : word))
    this.root.#hash = hashWords(computed, this.root.#hash)
    return this.engine.send(words, room)
  }

  /** The values that the boundary holds, and behind them how many records were appended: one op may take several. @internal */
  answered(count: number, ids: readonly number[], origin: Origin): (TracedTensor | undefined)[] {
    const answer = new Int32Array(this.engine.words(0).buffer, this.engine.words(0).byteOffset)
    const stepped = ids.some(id => this.#stepped.has(id))
    let at = 0
    const values = Array.from({ length: count }, () => {
      const [id, dtype, rank] = answer.subarray(at, at + 3) as unknown as [number, number, number]
      const dims = [...answer.subarray(at + 3, at + 3 + rank)]
      at += 3 + rank
      if (id < 0) return undefined
      if (stepped) this.#stepped.add(id)
      return new TracedTensor(this, id, dims, dtypeOf(dtype))
    })
    for (let record = 0; record < answer[at]!; record++) this.origins.push(origin)
    return values
  }

  /** A tensor as a value of this trace. @internal */
  own(value: SymbolicTensor): TracedTensor {
    if (value instanceof Tensor) return this.capture(value)
    if (value instanceof TracedTensor && value.trace === this) return value
    throw strayed(value)
  }

  /** The numbers of values: what has been recorded so far is run, by a program of its own. @internal */
  read(values: readonly TracedTensor[]): NdArray[] {
    this.root.#hasRead = true
    const ids = values.map(({ id }) => id)
    for (const id of ids) this.#uses.set(id, this.uses({ id }) + 1)
    const copy = this.engine.make('trace', 'builder_copy', [this.id])
    const program = this.#program(this.close(ids, [], copy), ids.length)
    try {
      return Trace.outside(() =>
        scope(() => {
          const given = this.tensors()
          const call = program.bind(given.map(({ shape }) => shape)).call(given)
          try {
            call.run()
            return call.outputs.map(output => output.read())
          } finally {
            call.dispose()
          }
        }),
      )
    } finally {
      program.dispose()
    }
  }

  /** The tensors of its inputs. */
  protected tensors(): readonly Tensor[] {
    return this.#given!
  }

  /** Closes the trace. */
  finish(outputs: readonly SymbolicTensor[]): Program {
    const ids = outputs.map(output => this.own(output).id)
    const states = this.#states.finished(value => this.#assigned.has(value.id))
    const pairs = [...this.#assigned].map(([target, value]) => [target, value.id])
    const id = this.close(ids, pairs)
    const assigned = [...this.#captured].flatMap(([key, { id }]) => (this.#assigned.has(id) ? key : []))
    const owned = this.#owned
    this.#owned = new Set()
    return this.#program(id, ids.length, { owned, states, assigned })
  }

  #program(id: number, outputs: number, parts: Partial<ProgramParts> = {}): Program {
    return new Program(this.engine, id, {
      inputs: this.#inputs,
      captured: [...this.#captured.keys()],
      assigned: [],
      owned: new Set(),
      states: [],
      origins: this.origins,
      outputs,
      once: this.#hasRead,
      hash: this.#hash,
      ...parts,
    })
  }

  /** Makes the program of this trace, or of a copy; `assigned` are pairs of a target and its value. */
  protected close(outputs: readonly number[], assigned: readonly number[][] = [], copy?: number): number {
    const builder = copy ?? this.id
    if (copy === undefined) this.forget()
    const words = this.send([outputs.length, ...outputs, assigned.length, ...assigned.flat()])
    return this.engine.make('program', 'builder_finish', [builder, words])
  }

  /** Gives the trace up. After `finish` there is nothing to give up. */
  override dispose(): void {
    super.dispose()
    if (this.root !== this) return
    for (const tensor of this.#owned) tensor.dispose()
    this.#owned.clear()
  }

  override toString(): string {
    return 'trace'
  }
}
