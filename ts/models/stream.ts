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
import { disposable } from '../engine/handle.js'
import { ArgumentError, DisposedError, named, ShapeError, show } from '../errors.js'
import { hint } from '../layers/names.js'
import { checkOptions, count } from '../layers/options.js'
import { isPlain, leaves, type Nested } from '../layers/structure.js'
import type { Inputs, Masks, Replaced } from '../layers/types.js'
import { numbersOf, type Values } from '../layers/values.js'
import { Trace } from '../ops/trace.js'
import { printed } from '../tensor/printed.js'
import type { Data, DType, Shape } from '../tensor/shape.js'
import { fromValues, type Tensor } from '../tensor/tensor.js'
import { Block } from './block.js'
import type { KerasTensor } from './graph.js'
import type { Model, Symbols } from './model.js'
import { Parts } from './parts.js'
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

/** How many lengths of blocks are kept ready, beside the single step. */
const kept = 4

export class Stream<S extends Symbols = Symbols> {
  declare readonly [Symbol.dispose]: () => void
  readonly model: Model<S>
  /** How many sequences run side by side. */
  readonly batch: number
  readonly #options: StreamOptions
  readonly #states: StreamStates
  readonly #once: readonly (Tensor | undefined)[]
  /** The inputs that come with every step, in the form in which they come. */
  readonly #form: Nested<KerasTensor>
  readonly #parts: Parts
  /** What a block must fill, its number of steps null, and the numbers of one of them. */
  readonly #pattern: Shape
  readonly #row: number
  /** By length; those with masks by minus the length. */
  readonly #blocks = new Map<number, Block>()
  readonly #single: Block
  #disposed = false

  /** Use `model.stream(options)`. */
  constructor(model: Model<S>, options: StreamOptions = {}) {
    this.model = model
    this.batch = batchOf(model, options)
    this.#options = options
    this.#states = new StreamStates(model, model.engine, this.batch)
    this.#once = giveOnce(model, this.batch, options.inputs ?? {})
    this.#form = steppedForm(model, this.#once)
    this.#parts = new Parts(model.name, 'inputs', this.#form)
    this.#pattern = [this.batch, null, ...leaves(this.#form)[0]!.shape.slice(2)]
    this.#row = this.#pattern.reduce<number>((product, size) => product * (size ?? 1), 1)
    try {
      this.#single = this.#block(1, false)
      this.resetStates()
    } catch (error) {
      this.dispose()
      throw error
    }
  }

  /** The next frame where it lies in the engine's memory, to be written instead of given to `step`. Not to be kept. */
  get input(): Replaced<Symbols, Data> {
    return this.#live.input as Replaced<Symbols, Data>
  }

  /** The last step's output where it lies in the engine's memory. Not to be kept. */
  get output(): Replaced<S, Float32Array> {
    return this.#live.output as Replaced<S, Float32Array>
  }

  /**
   * One step: the output for the sequence so far.
   *
   * @param frame `[batch, features]`, or `[batch]` for ids; null or no argument when it was written into `input`.
   * @param out Where the output goes. Without it, the same array is returned every time.
   */
  step(): Replaced<S, Float32Array>
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
    return block.run(frame ?? undefined, out ?? undefined, mask)
  }

  /**
   * Several steps in one run.
   *
   * @param block `[batch, n, features]`, or `[batch, n]` for ids.
   * @param out Where the outputs go. Without it, the same array is returned every time for one `n`.
   */
  steps(block: Frame, out?: Replaced<S, Data> | null, options?: StepOptions): Replaced<S, Float32Array> {
    const mask = options && this.#maskOf(options)
    const steps = this.#lengthOf(block)
    return this.#block(steps, mask !== undefined).run(block, out ?? undefined, mask) as Replaced<
      S,
      Float32Array
    >
  }

  /** The states by the names of their layers, each in the structure of the layer's `stateSize`. */
  getStates(): States {
    void this.#live
    return this.#states.read()
  }

  /** Sets the states of the layers that are named. The stream goes on from there: a masked step repeats the state. */
  setStates(values: Readonly<Record<string, Inputs>>): void {
    void this.#live
    this.#states.write(values)
  }

  /**
   * Starts anew: layers that are named from the values given, others from the model's `initialState`, which must come from
   * inputs that were given once, or from zeros.
   */
  resetStates(values: Readonly<Record<string, Inputs>> = {}): void {
    const block = this.#live
    try {
      this.#states.reset(values, block.starts())
    } catch (error) {
      throw named(error, this.model.name)
    }
  }

  /** A stream of its own that goes on from here. */
  clone(): Stream<S> {
    void this.#live
    const copy = new Stream(this.model, this.#options)
    copy.#states.copy(this.#states)
    return copy
  }

  toString(): string {
    return `stream of ${this.model}`
  }

  get disposed(): boolean {
    return this.#disposed
  }

  /** Frees the states and all that was kept ready; the model stays. */
  dispose(): void {
    this.#disposed = true
    for (const block of this.#blocks.values()) block.dispose()
    this.#blocks.clear()
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
        : numbersOf(this.model.name, 'block', first, { shape: expected, dtype: leaves(this.#form)[0]!.dtype })
            .shape[1]!
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
    const { model } = this
    if (!this.#disposed && !model.disposed) return this.#single
    const layer = model.name
    const what = model.disposed ? layer : `a stream of ${layer}`
    throw new DisposedError(`${what} has been disposed`, { layer })
  }

  /** What runs blocks of `n` steps; the last few lengths are kept, a single step always. */
  #block(n: number, masked: boolean): Block {
    void this.#live
    const key = masked ? -n : n
    const known = this.#blocks.get(key)
    if (known) return known
    const { batch } = this
    const source = {
      model: this.model as unknown as Model,
      batch,
      once: this.#once,
      form: this.#form,
      states: this.#states,
    }
    try {
      const block = new Block(source, n, masked)
      this.#blocks.set(key, block)
      const longer = [...this.#blocks.keys()].filter(each => Math.abs(each) > 1)
      if (longer.length > kept) {
        this.#blocks.get(longer[0]!)!.dispose()
        this.#blocks.delete(longer[0]!)
      }
      return block
    } catch (error) {
      throw named(error, this.model.name)
    }
  }
}
disposable(Stream)
printed(Stream)

function batchOf<S extends Symbols>(model: Model<S>, options: StreamOptions): number {
  checkOptions(model.name, options, ['batch', 'inputs'], 'stream')
  const { batch = inputsOf(model)[0]!.shape[0] ?? 1 } = options
  return count().read(batch, { layer: model.name, argument: 'batch' })
}

/** The tensors of the inputs that are given once; undefined for those that come with every step. */
function giveOnce<S extends Symbols>(
  model: Model<S>,
  batch: number,
  inputs: Readonly<Record<string, Values>>,
): (Tensor | undefined)[] {
  const symbols = inputsOf(model)
  const layer = model.name
  const names = isPlain(model.inputs) ? Object.keys(model.inputs) : symbols.map(({ name }) => name)
  const wrong = Object.keys(inputs).find(name => !names.includes(name))
  if (wrong !== undefined) {
    throw new ArgumentError(`${layer} has no input "${wrong}"${hint(wrong, names)}`, {
      layer,
      argument: 'inputs',
      expected: names,
      actual: wrong,
    })
  }
  const values = symbols.map(({ shape, dtype }, i) => {
    const what = names[i]!
    const value = inputs[what]
    if (value !== undefined)
      return numbersOf(layer, what, value, { shape: [batch, ...shape.slice(1)], dtype })
    if (isTimed(shape, dtype)) return undefined
    throw new ArgumentError(
      `${layer}: the input "${what}" has no time axis; give it once, with stream({ inputs })`,
      {
        layer,
        argument: what,
      },
    )
  })
  if (values.every(value => value)) {
    throw new ArgumentError(`${layer}: one input must come with the steps`, { layer, argument: 'inputs' })
  }
  return values.map(value => value && Trace.outside(() => fromValues(model.engine, value)))
}

/** Whether axis 1 is time: sequences of features, of ids, or of anything of unknown length. */
function isTimed(shape: Shape, dtype: DType): boolean {
  return shape.length > 2 || (shape.length === 2 && (shape[1] === null || dtype !== 'float32'))
}

/** The form of what comes with every step: that of the inputs without those given once; a last one comes alone. */
function steppedForm<S extends Symbols>(model: Model<S>, once: readonly unknown[]): Nested<KerasTensor> {
  const { inputs } = model
  if (once.every(tensor => !tensor)) return inputs
  const rest = inputsOf(model).filter((_, i) => !once[i])
  if (rest.length === 1) return rest[0]!
  return isPlain(inputs) ? Object.fromEntries(Object.entries(inputs).filter((_, i) => !once[i])) : rest
}
