/** The tensors of a stream for blocks of one length, joined with the model's program. */
import type { Engine } from '../engine/engine.js'
import { named } from '../errors.js'
import { leaves, type Nested } from '../layers/structure.js'
import { type Call, type Program, Trace } from '../ops/trace.js'
import { convert } from '../tensor/convert.js'
import type { Data, DType } from '../tensor/shape.js'
import { allocate, Tensor } from '../tensor/tensor.js'
import type { KerasTensor } from './graph.js'
import type { LiveRows } from './live_rows.js'
import type { Model } from './model.js'
import { Port } from './port.js'
import { Ports } from './ports.js'
import type { InputType } from './program.js'
import { rowOf } from './row_bytes.js'
import { computeStarts } from './start.js'
import type { StreamStates } from './stream_states.js'
import { type Home, inputsOf, traceModel } from './trace_model.js'

/** What a stream's blocks share. */
export interface BlockSource {
  model: Model
  batch: number
  /** The inputs that were given once; undefined for those that come with every step. */
  once: readonly (Tensor | undefined)[]
  /** The inputs that come with every step, in the form in which they come. */
  form: Nested<KerasTensor>
  states: StreamStates
  home: Home
}

export class Block {
  readonly #model: Model
  readonly #home: Home
  readonly #types: readonly InputType[]
  readonly program: Program
  readonly call: Call
  /** The states that start from something else than zeros. */
  readonly #started: readonly { tensor: Tensor; start: number }[]
  readonly #states: StreamStates
  /** The states that a run leaves to `StreamStates.settle`. */
  readonly #late: readonly (readonly [Tensor, from: Tensor])[]
  readonly #frames: Ports
  readonly #masks: Ports | undefined
  readonly #outputs: Ports
  /** All tensors of its own. */
  readonly #tensors: readonly Tensor[]

  /** For blocks of `n` steps. */
  constructor({ model, batch, once, form, states, home }: BlockSource, n: number, masked: boolean) {
    const { name } = model
    const symbols = inputsOf(model)
    const types = symbols.map(({ shape, dtype }, i): InputType => {
      const whole = once[i]?.shape.slice(1)
      return { shape: [null, ...(whole ?? [null, ...shape.slice(2)])], dtype }
    })
    const { program } = traceModel(
      model,
      'stream',
      types,
      once.map(tensor => masked && !tensor),
      home,
    )
    const made: Tensor[] = []
    const port = (dtype: DType, rest: readonly number[], what: string): Port => {
      const tensor = newTensor(home.engine, { shape: [batch, n, ...rest], dtype }, what)
      made.push(tensor)
      return new Port(tensor, n === 1 ? [batch, ...rest] : [batch, n, ...rest], what)
    }
    try {
      const what = n === 1 ? 'frame' : 'block'
      const stepped = leaves(form)
      const frames = stepped.map(({ shape, dtype }) => port(dtype, shape.slice(2) as number[], what))
      const masks = masked ? stepped.map(() => port('bool', [], 'mask')) : []
      let next = 0
      const inputs = [
        ...once.map(tensor => tensor ?? frames[next++]!.tensor),
        ...masks.map(mask => mask.tensor),
        ...program.states.map(state => states.tensor(state)),
      ]
      const plan = program.bind(inputs.map(({ shape }) => shape))
      this.call = Trace.outside(() => plan.call(inputs))
      this.#frames = new Ports(name, 'inputs', form, frames)
      this.#masks = masked ? new Ports(name, 'mask', form, masks) : undefined
    } catch (error) {
      for (const tensor of made) tensor.dispose()
      throw error
    }
    this.#model = model
    this.#home = home
    this.program = program
    this.#types = types
    this.#started = program.states.flatMap(state => {
      const { start } = state
      return start === undefined ? [] : [{ tensor: states.tensor(state), start }]
    })
    this.#states = states
    this.#late = program.states.flatMap(state => {
      const { repeats } = state
      return repeats === undefined
        ? []
        : [[states.tensor(state), states.tensor({ ...state, name: repeats })] as const]
    })
    const outputs = this.call.outputs.map(tensor => new Port(tensor, tensor.shape, 'out'))
    this.#outputs = new Ports(name, 'outputs', model.outputs, outputs)
    this.#tensors = [...made, ...this.call.outputs]
  }

  /** What states start from that do not start from zeros. */
  starts(): [Tensor, Data][] {
    if (this.#started.length === 0) return []
    const types = this.#types
    const values = computeStarts(this.#model, types, this.call.inputs.slice(0, types.length), this.#home)
    return this.#started.map(({ tensor, start }) => {
      const { shape } = tensor
      return [tensor, convert(values[start], { shape, what: 'initialState' }).data]
    })
  }

  /** Puts a row at its start. */
  startRow(row: number): void {
    const starts = this.starts()
    for (const tensor of this.#states.leaves) rowOf(tensor, row).fill(0)
    for (const [tensor, data] of starts) {
      const to = rowOf(tensor, row)
      to.set(data.subarray(row * to.length, (row + 1) * to.length))
    }
  }

  /** The inputs in the engine's memory, in their form. */
  get input(): unknown {
    return this.#frames.view
  }

  /** The outputs in the engine's memory, in their form. */
  get output(): unknown {
    return this.#outputs.view
  }

  get disposed(): boolean {
    return this.call.disposed
  }

  /** Copies in what is given, runs, copies out. `rows`: those that there are, when places of the frame have none. */
  run(frame: unknown, out: unknown, mask: unknown, rows?: LiveRows): unknown {
    try {
      return this.#run(frame, out, mask, rows)
    } catch (error) {
      throw named(error, this.#model.name)
    }
  }

  #run(frame: unknown, out: unknown, mask: unknown, rows: LiveRows | undefined): unknown {
    if (frame !== undefined) this.#frames.write(frame, rows)
    if (rows) this.#frames.clear(rows)
    if (mask !== undefined) {
      this.#states.settle()
      this.#masks?.writeMask(mask)
    }
    this.call.run()
    this.#states.late = this.#late
    return this.#outputs.read(out)
  }

  dispose(): void {
    this.call.dispose()
    for (const tensor of this.#tensors) tensor.dispose()
  }
}

/** A zeroed tensor of a stream's own. */
export function newTensor(
  engine: Engine,
  { shape, dtype }: { shape: readonly number[]; dtype: DType },
  what: string,
): Tensor {
  return new Tensor(engine, allocate(engine, shape, dtype, what), shape, dtype)
}

/** A tensor with the same rows as far as there are so many; new ones are zeros. */
export function resized(tensor: Tensor, rows: number, what: string): Tensor {
  const { engine, dtype, shape } = tensor
  const made = newTensor(engine, { shape: [rows, ...shape.slice(1)], dtype }, what)
  const [to, from] = [made.view<Data>(), tensor.view<Data>()]
  to.set(from.subarray(0, Math.min(to.length, from.length)))
  return made
}
