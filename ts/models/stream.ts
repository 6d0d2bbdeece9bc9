/**
 * A model run one step at a time: each step is computed when it arrives, and what was is kept in the states. The
 * outputs have the bits of the whole sequence.
 *
 *     using stream = model.stream()
 *     for (const frame of frames) show(stream.step(frame))
 *
 * A step allocates nothing: the frame is copied in, the model runs, the output is copied to an array that is the
 * same every time.
 */
import { Owner } from '../engine/handle.js'
import { ArgumentError, DisposedError, MemoryError, named, naming, ShapeError, show } from '../errors.js'
import { checkOptions, count } from '../layers/options.js'
import { isPlain, leaves, type Nested } from '../layers/structure.js'
import type { Inputs, Masks, Replaced } from '../layers/types.js'
import { numbersOf, type Values } from '../layers/values.js'
import type { Bytes, Data, Floats, Shape } from '../tensor/shape.js'
import { type Tensor, Variable } from '../tensor/tensor.js'
import { Block, resized } from './block.js'
import type { KerasTensor } from './graph.js'
import { LiveRows } from './live_rows.js'
import type { Model, Symbols } from './model.js'
import { Parts } from './parts.js'
import { RowBytes, rowOf } from './row_bytes.js'
import { giveOnce, giveRow, steppedForm } from './stream_inputs.js'
import { type States, StreamStates } from './stream_states.js'
import { inputsOf } from './trace_model.js'

export interface StreamOptions {
  /** How many sequences run side by side. Default: the model's fixed batch, or 1. */
  batch?: number
  /** Inputs that are given once instead of at every step, by name. */
  inputs?: Readonly<Record<string, Values>>
}

export interface StepOptions {
  /** Whether a step counts, for each sequence (and step): a masked one leaves the states and repeats the output. */
  mask?: Masks
}

/** Data of a step or block: a typed array is best, other arrays are converted. For several inputs, in their form. */
export type Frame = Inputs

/** The inputs that are given once; undefined for those that come with every step. */
type Once = readonly (Tensor | undefined)[]

/** How many lengths of blocks are kept ready, beside the single step. */
const kept = 4

export class Stream<S extends Symbols = Symbols> extends Owner {
  readonly model: Model<S>
  #states: StreamStates
  #once: Once
  /** The inputs that come with every step, in the form in which they come. */
  readonly #form: Nested<KerasTensor>
  readonly #parts: Parts
  /** What a block must fill, its number of steps null, and the numbers of one of them. */
  #pattern: Shape = []
  #row = 0
  /** By length; those with masks by minus the length. */
  readonly #blocks = new Map<number, Block>()
  /** What runs a plain step; made with the rows, so that there are no more of them than can be stepped. */
  #single: Block | undefined
  readonly #rows: LiveRows
  #disposed = false

  /** Use `model.stream(options)`. `from`: a stream of the model, to go on from where it is. */
  constructor(model: Model<S>, options: StreamOptions = {}, from?: Stream<S>) {
    super()
    this.model = model
    const batch = from?.batch ?? batchOf(model, options)
    this.#rows = from ? from.#rows.copy() : new LiveRows(batch)
    this.#states = new StreamStates(model, model.engine, batch)
    this.#once = from ? [] : giveOnce(model, batch, options.inputs ?? {})
    this.#form = from ? from.#form : steppedForm(model, this.#once)
    this.#parts = new Parts(model.name, 'inputs', this.#form)
    this.#measure()
    try {
      if (from) this.#resize(batch, from)
      else this.resetStates()
    } catch (error) {
      this.dispose()
      throw named(error, model.name)
    }
  }

  #measure(): void {
    this.#pattern = [this.batch, null, ...leaves(this.#form)[0]!.shape.slice(2)]
    this.#row = this.#pattern.reduce<number>((product, size) => product * (size ?? 1), 1)
  }

  /** How many sequences a frame holds: those that run side by side, and the places of removed ones between them. */
  get batch(): number {
    return this.#states.batch
  }

  /** The indices of the rows that were not removed. */
  get rows(): number[] {
    return this.#rows.indices
  }

  /** The next frame where it lies in the engine's memory, to be written instead of given to `step`. Not to be kept. */
  get input(): Replaced<Symbols, Data> {
    return this.#live.input as Replaced<Symbols, Data>
  }

  /** The last step's output where it lies in the engine's memory. Not to be kept. */
  get output(): Replaced<S, Floats> {
    return this.#live.output as Replaced<S, Floats>
  }

  /**
   * One step: the output for the sequence so far.
   *
   * @param frame `[batch, features]`, or `[batch]` for ids; null or no argument when it was written into `input`.
   * @param out Where the output goes. Without it, the same array is returned every time.
   */
  step(): Replaced<S, Floats>
  step(frame: Frame | null, out?: null, options?: StepOptions): Replaced<S, Floats>
  step(frame: Frame | null, out?: Replaced<S, Data> | null, options?: StepOptions): Replaced<S, Float32Array>
  step(frame?: Frame | null, out?: Replaced<S, Data> | null, options?: StepOptions): unknown {
    // biome-ignore lint/complexity/noArguments: a rest parameter would be an array at every step
    if (frame === undefined && arguments.length > 0) {
      const layer = this.model.name
      throw new ArgumentError(`${layer}: the frame is undefined; give null for what was written into input`, {
        layer,
        argument: 'frame',
      })
    }
    const mask = options && this.#maskOf(options)
    const block = mask === undefined ? this.#live : this.#block(1, true)
    return block.run(frame ?? undefined, out ?? undefined, mask, this.#gaps)
  }

  /**
   * Several steps in one run.
   *
   * @param block `[batch, n, features]`, or `[batch, n]` for ids.
   * @param out Where the outputs go. Without it, the same array is returned every time for one `n`.
   */
  steps(block: Frame, out?: null, options?: StepOptions): Replaced<S, Floats>
  steps(block: Frame, out?: Replaced<S, Data> | null, options?: StepOptions): Replaced<S, Float32Array>
  steps(block: Frame, out?: Replaced<S, Data> | null, options?: StepOptions): unknown {
    const mask = options && this.#maskOf(options)
    const steps = this.#lengthOf(block)
    return this.#block(steps, mask !== undefined).run(block, out ?? undefined, mask, this.#gaps)
  }

  /** The states by the names of their layers, each in the structure of the layer's `stateSize`. */
  getStates(): States {
    void this.#live
    return this.#states.read()
  }

  /** Sets the states of the layers that are named. The stream goes on from there; a masked step repeats the output before. */
  setStates(values: Readonly<Record<string, Inputs>>): void {
    void this.#live
    this.#states.write(values)
    this.#clear()
  }

  /**
   * Starts anew: layers that are named from the values given, others from the model's `initialState`, which must come from
   * inputs that were given once, or from zeros.
   */
  resetStates(values: Readonly<Record<string, Inputs>> = {}): void {
    const block = this.#live
    naming(this.model.name, () => this.#states.reset(values, block.starts()))
    this.#clear()
  }

  /** Starts one row anew, as `resetStates` does all of them. */
  resetRow(row: number): void {
    this.#check(row)
    naming(this.model.name, () => this.#live.startRow(row))
  }

  /**
   * One more sequence, at its start; gives its index, the first that is free. Frames then hold so many rows. `inputs`: those that are
   * given once, for this row, `[1, ...]`.
   *
   * @throws {MemoryError} when there is none for one more; all stays as it was
   */
  addRow(options: { inputs?: Readonly<Record<string, Values>> } = {}): number {
    this.#check()
    const { model } = this
    checkOptions(model.name, options, ['inputs'], 'addRow')
    const given = giveRow(model, this.#once, options.inputs ?? {})
    const row = this.#rows.next
    const start = (once: Once, single: Block) => {
      once.forEach((tensor, i) => {
        if (tensor) rowOf(tensor, row).set(given[i]!)
      })
      single.startRow(row)
    }
    try {
      if (row < this.batch) start(this.#once, this.#live)
      else this.#resize(row + 1, this, start)
    } catch (error) {
      throw named(error, model.name)
    }
    this.#rows.add()
    return row
  }

  /**
   * Ends a sequence. The others keep their indices; in its place are zeros, whatever numbers frames hold there. Places behind the last
   * row go, unless there is no memory to make fewer of them.
   */
  removeRow(row: number): void {
    this.#check(row)
    const rows = this.#rows
    for (const tensor of this.#held) rowOf(tensor, row).fill(0)
    rows.remove(row)
    try {
      if (rows.size < this.batch) this.#resize(rows.size)
    } catch (error) {
      if (!(error instanceof MemoryError)) throw error
    }
  }

  /** What a row holds, as bytes: `loadRow` of a stream of the same model goes on from there, in any runtime. */
  saveRow(row: number): Bytes {
    this.#check(row)
    return this.#bytes.save(row)
  }

  /**
   * Sets a row to what was saved.
   *
   * @throws {ImportError} when the bytes are damaged or no saved row
   * @throws {ArgumentError} when they are of another model, or of other weights
   */
  loadRow(row: number, bytes: Uint8Array | ArrayBuffer): void {
    this.#check(row)
    this.#bytes.load(row, bytes)
  }

  /** A stream of its own that goes on from here. */
  clone(): Stream<S> {
    void this.#live
    return new Stream(this.model, {}, this)
  }

  /** Room for `batch` rows, which hold what those of `from` do: all of it is made, and `start` has run, before anything is given up. */
  #resize(batch: number, from: Stream<S> = this, start?: (once: Once, single: Block) => void): void {
    const made: { dispose(): void }[] = []
    const keep = <T extends { dispose(): void }>(each: T) => {
      made.push(each)
      return each
    }
    try {
      const once = from.#once.map(tensor => tensor && keep(resized(tensor, batch, 'row')))
      const states = keep(from.#states.resized(batch))
      const single = keep(this.#make(1, false, once, states))
      start?.(once, single)
      this.#release()
      this.#once = once
      this.#states = states
      this.#single = single
      this.#blocks.set(1, single)
    } catch (error) {
      for (const each of made) each.dispose()
      throw error
    }
    this.#measure()
  }

  get #bytes(): RowBytes {
    const { model } = this
    const { hash, captured } = this.#live.program.parts
    const weights = new Set<Tensor>(model.weights)
    const fixed = captured.filter(tensor => !(tensor instanceof Variable) || weights.has(tensor))
    return new RowBytes(model.name, this.#held, hash, fixed)
  }

  /** All that a row holds a part of, as it is after the last run. */
  get #held(): Tensor[] {
    return [...this.#states.leaves, ...this.#once.flatMap(tensor => tensor ?? [])]
  }

  /** The rows, when there are places without one. */
  get #gaps(): LiveRows | undefined {
    return this.#rows.fill(this.batch) ? undefined : this.#rows
  }

  /** Keeps zeros where there is no row. */
  #clear(): void {
    for (const tensor of this.#gaps ? this.#held : []) this.#rows.clear(tensor.view<Data>(), this.batch)
  }

  override toString(): string {
    return `stream of ${this.model}`
  }

  get disposed(): boolean {
    return this.#disposed || (this.#single?.disposed ?? false)
  }

  /** Frees the states and all that was kept ready; the model stays. */
  dispose(): void {
    this.#disposed = true
    this.#release()
  }

  #release(): void {
    for (const block of this.#blocks.values()) block.dispose()
    this.#blocks.clear()
    this.#single = undefined
    for (const tensor of this.#once) tensor?.dispose()
    this.#states.dispose()
  }

  #maskOf(options: StepOptions): unknown {
    let plain = isPlain(options)
    for (const name in options) if (name !== 'mask') plain = false
    if (!plain) checkOptions(this.model.name, options, ['mask'], 'step')
    return options.mask ?? undefined
  }

  /** The number of steps in a block, by that of its first input. */
  #lengthOf(block: Frame): number {
    this.#parts.check(block)
    const first = this.#parts.at(block, 0)
    const expected = this.#pattern
    const steps =
      first instanceof Float32Array || first instanceof Int32Array || first instanceof Float64Array
        ? first.length / this.#row
        : numbersOf(this.model.name, 'block', first, { shape: expected, dtype: 'float32' }).shape[1]!
    if (Number.isInteger(steps) && steps > 0) return steps
    const layer = this.model.name
    throw new ShapeError(`${layer}: a block must fill ${show(expected)} with at least one step`, {
      layer,
      argument: 'block',
      expected,
      actual: steps * this.#row,
    })
  }

  /** What runs a plain step, unless the stream is disposed. */
  get #live(): Block {
    const single = this.#single
    if (single && !single.disposed && !this.model.disposed) return single
    this.#check()
    this.#single = this.#kept(1, false)
    return this.#single
  }

  /** Refuses when the stream is disposed, or has no such row. */
  #check(row?: number): void {
    const { model } = this
    const layer = model.name
    if (this.disposed || model.disposed) {
      const what = model.disposed ? layer : `a stream of ${layer}`
      throw new DisposedError(`${what} has been disposed`, { layer })
    }
    if (row !== undefined) this.#rows.check(layer, row)
  }

  /** What runs blocks of `n` steps; the last few lengths are kept, a single step always. */
  #block(n: number, masked: boolean): Block {
    void this.#live
    return this.#blocks.get(masked ? -n : n) ?? this.#kept(n, masked)
  }

  #kept(n: number, masked: boolean): Block {
    const block = naming(this.model.name, () => this.#make(n, masked, this.#once, this.#states))
    this.#blocks.set(masked ? -n : n, block)
    const longer = [...this.#blocks.keys()].filter(each => Math.abs(each) > 1)
    if (longer.length > kept) {
      this.#blocks.get(longer[0]!)!.dispose()
      this.#blocks.delete(longer[0]!)
    }
    return block
  }

  #make(n: number, masked: boolean, once: Once, states: StreamStates): Block {
    const model = this.model as unknown as Model
    return new Block({ model, batch: states.batch, once, form: this.#form, states, home: model }, n, masked)
  }
}

function batchOf<S extends Symbols>(model: Model<S>, options: StreamOptions): number {
  checkOptions(model.name, options, ['batch', 'inputs'], 'stream')
  const { batch = inputsOf(model)[0]!.shape[0] ?? 1 } = options
  return count().read(batch, { layer: model.name, argument: 'batch' })
}
