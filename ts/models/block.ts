/** The tensors of a stream for blocks of one length, joined with the model's program. */
import type { Engine } from '../engine/engine.js'
import { named } from '../errors.js'
import { leaves, type Nested, pack } from '../layers/structure.js'
import { type Call, Trace } from '../ops/trace.js'
import type { Data, DType } from '../tensor/shape.js'
import { allocate, Tensor } from '../tensor/tensor.js'
import { KerasTensor } from './graph.js'
import { arrange } from './io.js'
import type { Model } from './model.js'
import { Port } from './port.js'
import type { InputType } from './program.js'
import type { StreamStates } from './stream_states.js'
import { inputsOf, traceModel } from './trace_model.js'

/** What a stream's blocks share. */
export interface BlockSource {
  model: Model
  batch: number
  /** The inputs that were given once; undefined for those that come with every step. */
  once: readonly (Tensor | undefined)[]
  /** The inputs that come with every step, in the form in which they come. */
  form: Nested<KerasTensor>
  states: StreamStates
}

export class Block {
  readonly #model: Model
  readonly #form: Nested<KerasTensor>
  readonly #call: Call
  readonly #frames: Port[]
  readonly #masks: Port[]
  readonly #outputs: Port[]
  /** Of a model that has one of each: no list is made for them. */
  readonly #frame: Port | undefined
  readonly #output: Port | undefined

  /** For blocks of `n` steps. */
  constructor({ model, batch, once, form, states }: BlockSource, n: number, masked: boolean) {
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
    )
    const made: Tensor[] = []
    const port = (dtype: DType, rest: readonly number[], what: string): Port => {
      const tensor = newTensor(model.engine, { shape: [batch, n, ...rest], dtype }, what)
      made.push(tensor)
      return new Port(tensor, n === 1 ? [batch, ...rest] : [batch, n, ...rest], what)
    }
    try {
      const what = n === 1 ? 'frame' : 'block'
      const stepped = leaves(form)
      this.#frames = stepped.map(({ shape, dtype }) => port(dtype, shape.slice(2) as number[], what))
      this.#masks = masked ? stepped.map(() => port('bool', [], 'mask')) : []
      let next = 0
      const inputs = [
        ...once.map(tensor => tensor ?? this.#frames[next++]!.tensor),
        ...this.#masks.map(mask => mask.tensor),
        ...program.states.map(state => states.tensor(state)),
      ]
      const plan = program.bind(inputs.map(({ shape }) => shape))
      this.#call = Trace.outside(() => plan.call(inputs))
    } catch (error) {
      for (const tensor of made) tensor.dispose()
      throw error
    }
    this.#model = model
    this.#form = form
    this.#outputs = this.#call.outputs.map(tensor => new Port(tensor, tensor.shape, 'out'))
    this.#frame = form instanceof KerasTensor ? this.#frames[0] : undefined
    this.#output = (model.outputs as unknown) instanceof KerasTensor ? this.#outputs[0] : undefined
  }

  /** The inputs in the engine's memory, in their form. */
  get input(): unknown {
    return pack(
      this.#form,
      this.#frames.map(frame => frame.view),
    )
  }

  /** The outputs in the engine's memory, in their form. */
  get output(): unknown {
    return pack(
      this.#model.outputs,
      this.#outputs.map(output => output.view),
    )
  }

  /** Copies in what is given, runs, copies out. */
  run(frame: unknown, out: unknown, mask: unknown): unknown {
    try {
      return this.#run(frame, out, mask)
    } catch (error) {
      throw named(error, this.#model.name)
    }
  }

  #run(frame: unknown, out: unknown, mask: unknown): unknown {
    if (frame !== undefined) this.#write(frame)
    if (mask !== undefined) this.#writeMask(mask)
    this.#call.run()
    if (this.#output) return this.#output.read(out as Data | undefined)
    const { name, outputs } = this.#model
    const targets = out === undefined ? [] : arrange(name, 'outputs', outputs, out)
    return pack(
      outputs,
      this.#outputs.map((output, i) => output.read(targets[i] as Data | undefined)),
    )
  }

  #write(frame: unknown): void {
    if (this.#frame) this.#frame.write(frame)
    else {
      const parts = arrange(this.#model.name, 'inputs', this.#form, frame)
      for (const [i, port] of this.#frames.entries()) port.write(parts[i])
    }
  }

  #writeMask(mask: unknown): void {
    const parts = this.#frame ? [mask] : arrange(this.#model.name, 'mask', this.#form, mask)
    for (const [i, port] of this.#masks.entries()) port.writeMask(parts[i] ?? true)
  }

  dispose(): void {
    this.#call.dispose()
    for (const port of [...this.#frames, ...this.#masks, ...this.#outputs]) port.tensor.dispose()
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
