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
import { isPlain, leaves, pack } from '../layers/structure.js'
import type { Replaced } from '../layers/types.js'
import type { Values } from '../layers/values.js'
import { type Call, Trace } from '../ops/trace.js'
import { convert } from '../tensor/convert.js'
import type { Data } from '../tensor/shape.js'
import { allocate, fromValues, Tensor } from '../tensor/tensor.js'
import type { KerasTensor } from './graph.js'
import { arrange } from './io.js'
import type { Model, Symbols } from './model.js'
import { Port } from './port.js'
import type { InputType } from './program.js'
import { type States, StreamStates } from './stream_states.js'
import { inputsOf, traceModel } from './trace_model.js'

export interface StreamOptions {
  /** How many sequences run side by side. Default: the model's fixed batch, or 1. */
  batch?: number
  /** Inputs that are given once instead of at every step, by name. */
  inputs?: Readonly<Record<string, Values>>
}

export interface StepOptions {
  /** Whether a step counts, for each sequence (and step): a masked one leaves the states and repeats the output. */
  mask?: unknown
}

/** Data of one step or block: a typed array is best, other arrays are converted. For several inputs, in their form. */
export type Frame = unknown

/** How many lengths of blocks are kept ready. */
const kept = 4

/** Everything for blocks of one length. */
interface Ready {
  call: Call
  /** One for each input, undefined for those given once. */
  frames: (Port | undefined)[]
  masks: (Port | undefined)[]
  outputs: Port[]
  /** The only input and output, when there are no more. */
  frame?: Port
  output?: Port
}

export class Stream<S extends Symbols = Symbols> {
  declare readonly [Symbol.dispose]: () => void
  readonly model: Model<S>
  /** How many sequences run side by side. */
  readonly batch: number
  readonly #states: StreamStates
  /** What was given once, by input. */
  readonly #once: (Tensor | undefined)[]
  readonly #options: StreamOptions
  /** By length; masked ones by minus the length. */
  #ready = new Map<number, Ready>()
  #step: Ready
  #disposed = false

  /** Use `model.stream(options)`. */
  constructor(model: Model<S>, options: StreamOptions = {}) {
    const symbols = inputsOf(model)
    const { batch = symbols[0]!.shape[0] ?? 1, inputs = {}, ...rest } = options
    const [unknown] = Object.keys(rest)
    if (unknown)
      throw new ArgumentError(`stream has no option "${unknown}"${hint(unknown, ['batch', 'inputs'])}`, {
        argument: unknown,
      })
    if (!Number.isInteger(batch) || batch < 1) {
      throw new ArgumentError(`stream: batch must be a positive integer, not ${show(batch)}`, {
        argument: 'batch',
        actual: batch,
      })
    }
    this.model = model
    this.batch = batch
    this.#options = options
    this.#states = new StreamStates(model, model.engine, batch)
    this.#once = this.#giveOnce(symbols, inputs)
    try {
      this.#step = this.#prepare(1, false)
    } catch (error) {
      this.dispose()
      throw error
    }
  }

  /** The next frame as it lies in the engine's memory, to be written instead of given to `step`. Not to be kept. */
  get input(): Replaced<Symbols, Data> {
    const { frames } = this.#live
    return pack(
      this.model.inputs,
      frames.map(port => port?.view),
    ) as Replaced<Symbols, Data>
  }

  /** The last step's output as it lies in the engine's memory. Not to be kept. */
  get output(): Replaced<S, Data> {
    return pack(
      this.model.outputs,
      this.#live.outputs.map(port => port.view),
    ) as Replaced<S, Data>
  }

  /**
   * One step.
   *
   * @param frame `[batch, features]`, or `[batch]` for ids; undefined when it was written into `input`.
   * @param out Where the output goes. Without it, the same array is returned every time.
   */
  step(frame?: Frame, out?: Replaced<S, Data>, options?: StepOptions): Replaced<S, Data> {
    const ready = options === undefined ? this.#live : this.#masked(1, options)
    return run(this.model, ready, frame, out, options) as Replaced<S, Data>
  }

  /**
   * Several steps in one run.
   *
   * @param block `[batch, n, features]`, or `[batch, n]` for ids.
   * @param out Where the outputs go. Without it, the same array is returned every time for one `n`.
   */
  steps(block: Frame, out?: Replaced<S, Data>, options?: StepOptions): Replaced<S, Data> {
    void this.#live
    const n = this.#length(block)
    const ready = options === undefined ? this.#prepare(n, false) : this.#masked(n, options)
    return run(this.model, ready, block, out, options) as Replaced<S, Data>
  }

  /** The states by the names of their layers, each in the structure of the layer's `stateSize`. */
  getStates(): States {
    void this.#live
    return this.#states.read()
  }

  /** Sets the states of the layers that are named; a masked step then repeats the state that was set. */
  setStates(values: Readonly<Record<string, unknown>>): void {
    void this.#live
    this.#states.write(values)
  }

  /** Starts anew: zeros, or the values that are given. */
  resetStates(values: Readonly<Record<string, unknown>> = {}): void {
    const before = this.getStates()
    this.#states.reset()
    try {
      this.#states.write(values)
    } catch (error) {
      this.#states.write(before)
      throw error
    }
  }

  /** A stream of its own that goes on from here. */
  clone(): Stream<S> {
    void this.#live
    const copy = new Stream(this.model, this.#options)
    copy.#states.copy(this.#states)
    return copy
  }

  get disposed(): boolean {
    return this.#disposed
  }

  /** Frees the states and all that was kept ready; the model stays. */
  dispose(): void {
    this.#disposed = true
    for (const ready of this.#ready.values()) release(ready)
    this.#ready.clear()
    for (const tensor of this.#once) tensor?.dispose()
    this.#states.dispose()
  }

  /** What runs a plain step, unless the stream is disposed. */
  get #live(): Ready {
    if (!this.#disposed) return this.#step
    throw new DisposedError(`a stream of ${this.model.name} has been disposed`, { layer: this.model.name })
  }

  #masked(n: number, options: StepOptions): Ready {
    void this.#live
    for (const name in options) {
      if (name !== 'mask')
        throw new ArgumentError(`a step has no option "${name}"${hint(name, ['mask'])}`, { argument: name })
    }
    return this.#prepare(n, options.mask !== undefined && options.mask !== null)
  }

  /** The tensors of inputs that are given once. */
  #giveOnce(
    symbols: readonly KerasTensor[],
    inputs: Readonly<Record<string, Values>>,
  ): (Tensor | undefined)[] {
    const { model, batch } = this
    const names = isPlain(model.inputs) ? Object.keys(model.inputs) : symbols.map(({ name }) => name)
    for (const name of Object.keys(inputs)) {
      if (names.includes(name)) continue
      throw new ArgumentError(`${model.name} has no input "${name}"${hint(name, names)}`, {
        layer: model.name,
        argument: 'inputs',
        expected: names,
        actual: name,
      })
    }
    const values = symbols.map(({ shape, dtype }, i) => {
      const value = inputs[names[i]!]
      if (value !== undefined) {
        const pattern = [batch, ...shape.slice(1)]
        return convert(value instanceof Tensor ? value.read() : value, {
          shape: pattern,
          dtype,
          what: names[i]!,
        })
      }
      if (shape.length > 1) return undefined
      throw new ArgumentError(
        `${model.name}: the input "${names[i]}" has no time axis; give it once, with stream({ inputs })`,
        {
          layer: model.name,
          argument: names[i]!,
        },
      )
    })
    return values.map(value => value && Trace.outside(() => fromValues(model.engine, value)))
  }

  #type({ shape, dtype }: KerasTensor, i: number): InputType {
    return { shape: this.#once[i] ? shape : [null, null, ...shape.slice(2)], dtype }
  }

  /** The number of steps in a block, from that of its first input. */
  #length(block: Frame): number {
    const { model, batch } = this
    const at = this.#once.indexOf(undefined)
    const { shape, dtype } = inputsOf(model)[at]!
    const first = arrange(model.name, 'inputs', model.inputs, block)[at]
    const pattern = [batch, null, ...shape.slice(2)]
    const rest = pattern.reduce<number>((product, size) => product * (size ?? 1), 1)
    const n =
      ArrayBuffer.isView(first) && 'length' in first
        ? Number(first.length) / rest
        : convert(first, { shape: pattern, dtype, what: 'block' }).shape[1]!
    if (Number.isInteger(n) && n > 0) return n
    throw new ShapeError(
      `${model.name}: a block must be [batch, steps, …] = ${show(pattern)} with at least one step`,
      {
        layer: model.name,
        argument: 'block',
        expected: pattern,
        actual: first,
      },
    )
  }

  /** What runs blocks of `n` steps; the last few lengths are kept, a single step always. */
  #prepare(n: number, masked: boolean): Ready {
    const key = masked ? -n : n
    const known = this.#ready.get(key)
    if (known) return known
    const ready = this.#join(n, masked)
    this.#ready.set(key, ready)
    const old = [...this.#ready.keys()].filter(each => Math.abs(each) !== 1)
    if (old.length > kept) {
      release(this.#ready.get(old[0]!)!)
      this.#ready.delete(old[0]!)
    }
    return ready
  }

  #join(n: number, masked: boolean): Ready {
    const { model, batch } = this
    const { engine } = model
    const symbols = inputsOf(model)
    const types = symbols.map((symbol, i) => this.#type(symbol, i))
    const stepped = this.#once.map(tensor => !tensor)
    const { program } = traceModel(
      model,
      'stream',
      types,
      stepped.map(each => each && masked),
    )
    const own: Tensor[] = []
    const make = (shape: readonly number[], dtype: InputType['dtype'], what: string): Tensor => {
      const tensor = new Tensor(engine, allocate(engine, shape, dtype, what), shape, dtype)
      own.push(tensor)
      return tensor
    }
    const many = n === 1 ? [] : [n]
    try {
      const frames = symbols.map(({ shape, dtype, name }, i) => {
        if (!stepped[i]) return undefined
        const rest = shape.slice(2) as number[]
        return new Port(
          make([batch, n, ...rest], dtype, name),
          [batch, ...many, ...rest],
          n === 1 ? 'frame' : 'block',
        )
      })
      const masks = symbols.map((_, i) =>
        stepped[i] && masked
          ? new Port(make([batch, n], 'bool', 'mask'), [batch, ...many], 'mask')
          : undefined,
      )
      const states = program.states.map(state => this.#states.tensor(state))
      const tensors = [
        ...frames.map((port, i) => port?.tensor ?? this.#once[i]!),
        ...masks.flatMap(port => port?.tensor ?? []),
        ...states,
      ]
      const plan = program.bind(tensors.map(({ shape }) => shape))
      const call = Trace.outside(() => plan.call(tensors))
      const outputs = call.outputs.map(tensor => new Port(tensor, tensor.shape, 'out'))
      const single = frames.length === 1 && !isPlain(model.inputs) && !Array.isArray(model.inputs)
      return {
        call,
        frames,
        masks,
        outputs,
        frame: single ? frames[0] : undefined,
        output:
          outputs.length === 1 && leaves(model.outputs)[0] === (model.outputs as unknown)
            ? outputs[0]
            : undefined,
      }
    } catch (error) {
      for (const tensor of own) tensor.dispose()
      throw named(error, model.name)
    }
  }
}
disposable(Stream)

/** Copies in, runs, copies out. */
function run(
  model: Model,
  ready: Ready,
  frame: Frame,
  out: unknown,
  options: StepOptions | undefined,
): unknown {
  if (frame !== undefined) {
    if (ready.frame) ready.frame.write(frame)
    else writeAll(model, ready.frames, frame)
  }
  if (options?.mask !== undefined && options.mask !== null) writeMasks(model, ready, options.mask)
  ready.call.run()
  if (ready.output) return ready.output.read(out as Data | undefined)
  const targets = out === undefined ? [] : arrange(model.name, 'outputs', model.outputs, out)
  return pack(
    model.outputs,
    ready.outputs.map((port, i) => port.read(targets[i] as Data | undefined)),
  )
}

function writeAll(model: Model, frames: readonly (Port | undefined)[], frame: Frame): void {
  const parts = arrange(model.name, 'inputs', model.inputs, frame)
  for (const [i, port] of frames.entries()) port?.write(parts[i])
}

function writeMasks(model: Model, ready: Ready, mask: unknown): void {
  const parts = ready.frame ? [mask] : arrange(model.name, 'mask', model.inputs, mask)
  for (const [i, port] of ready.masks.entries()) port?.writeMask(parts[i] ?? true)
}

function release({ call, frames, masks, outputs }: Ready): void {
  call.dispose()
  for (const port of [...frames, ...masks, ...outputs]) port?.tensor.dispose()
}
