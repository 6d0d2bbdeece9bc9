/**
 * A stream that was made ready in an engine of its own, and the memory of that engine: with it, a new instance of the same WebAssembly
 * goes on in another thread, which needs no layers for that, traces nothing and packs no weights.
 */
import { createEngine } from '../engine/engine.js'
import { failure } from '../engine/failure.js'
import { compile, type Exports, instantiate, type WasmModule } from '../engine/instance.js'
import { getModule } from '../engine/provider.js'
import { MemoryError } from '../errors.js'
import { Block } from '../models/block.js'
import type { Model } from '../models/model.js'
import { Programs } from '../models/program.js'
import { StreamStates } from '../models/stream_states.js'
import { copying } from '../ops/copies.js'
import type { Data } from '../tensor/shape.js'

/** Addresses and numbers of bytes, in pairs. */
export type Ranges = readonly (readonly [at: number, length: number])[]

/** What runs some steps: the engine's call, and where its input and output lie. */
interface Call {
  id: number
  steps: number
  input: readonly [at: number, length: number]
  output: readonly [at: number, length: number]
}

export interface Snapshot {
  module: WasmModule
  /** Bytes of the whole memory. */
  size: number
  /** What of it is not zero, one range behind the other. */
  bytes: ArrayBuffer
  ranges: Ranges
  calls: readonly Call[]
  /** Where the states lie, and the variables that runs assign. */
  states: Ranges
}

/** Bytes that are looked at together. */
const page = 4096
/** Most bytes that are copied between two quanta: tens of microseconds. */
export const part = 64 * page
/** Steps that are run first, so that engines compile what they use. */
const warmSteps = 64

/** The model as a stream of `batch` rows, which runs as many steps at once as `lengths` says, where its outputs have so many. */
export function snapshot(model: Model, batch: number, lengths: readonly number[]): Snapshot {
  const engine = createEngine()
  try {
    return copying(engine, copies =>
      engine.use(() => {
        const states = new StreamStates(model, engine, batch)
        const home = { engine, programs: new Programs() }
        const source = { model, batch, once: [undefined], form: model.inputs, states, home }
        const blocks = lengths.map(steps => ({ steps, block: new Block(source, steps, false) }))
        const [first] = blocks
        const one = (first!.block.output as Data).length / first!.steps
        const whole = blocks.filter(({ steps, block }) => (block.output as Data).length === one * steps)
        for (const { steps, block } of whole) {
          for (let ran = 0; ran < warmSteps; ran += steps) block.run(undefined, undefined, undefined)
        }
        states.reset({}, first!.block.starts())
        const assigned = new Set(whole.flatMap(({ block }) => block.program.parts.assigned))
        const variables = [...assigned].map(variable => {
          const copy = copies.get(variable)!
          copy.write(variable.data())
          return copy
        })
        const calls = whole.map(({ steps, block }) => ({
          id: block.call.id,
          steps,
          input: place(block.input as Data),
          output: place(block.output as Data),
        }))
        const leaves = [...states.leaves, ...variables].map(tensor => place(tensor.view<Data>()))
        const memory = new Uint8Array(engine.raw.memory.buffer)
        return { module: getModule(), size: memory.length, calls, states: leaves, ...filled(memory) }
      }),
    )
  } finally {
    engine.dispose()
  }
}

const place = ({ byteOffset, byteLength }: Data) => [byteOffset, byteLength] as const

/** What is not zero. */
function filled(memory: Uint8Array): { bytes: ArrayBuffer; ranges: Ranges } {
  const ranges: [at: number, length: number][] = []
  const words = new Uint32Array(memory.buffer)
  for (let at = 0; at < memory.length; at += page) {
    if (words.subarray(at / 4, (at + page) / 4).every(word => word === 0)) continue
    const last = ranges.at(-1)
    if (last && last[0] + last[1] === at && last[1] < part) last[1] += page
    else ranges.push([at, page])
  }
  const bytes = new Uint8Array(ranges.reduce((sum, [, length]) => sum + length, 0))
  let to = 0
  for (const [at, length] of ranges) {
    bytes.set(memory.subarray(at, at + length), to)
    to += length
  }
  return { bytes: bytes.buffer, ranges }
}

/** Some steps of a restored stream: written into `input`, run, read from `output`. */
export class Run {
  readonly steps: number
  readonly input: Float32Array
  readonly output: Float32Array
  readonly #exports: Exports
  readonly #id: number

  constructor(exports: Exports, { id, steps, input, output }: Call) {
    const view = ([at, length]: readonly [number, number]) =>
      new Float32Array(exports.memory.buffer, at, length / 4)
    this.steps = steps
    this.input = view(input)
    this.output = view(output)
    this.#exports = exports
    this.#id = id
  }

  run(): void {
    const exports = this.#exports
    if (exports.call_run(this.#id) === 0) return
    const operands = new Int32Array(exports.memory.buffer, exports.boundary_pointer() >>> 0, 5)
    throw failure(exports.error_code(), operands, 'the model')
  }
}

/** A stream from a snapshot, after some `load()`. */
export class Restored {
  readonly runs: readonly Run[]
  readonly #memory: Uint8Array
  readonly #bytes: Uint8Array
  readonly #ranges: Ranges
  readonly #states: Ranges
  #loaded = 0
  #read = 0
  #starts: readonly Uint8Array[] = []

  constructor({ module, size, bytes, ranges, calls, states }: Snapshot) {
    const exports = instantiate(compile(module))
    const memory = exports.memory as Exports['memory'] & { grow(pages: number): number }
    try {
      memory.grow((size - memory.buffer.byteLength) / 65536)
    } catch (cause) {
      throw new MemoryError(`no memory for a model of ${size} bytes`, { actual: size, cause })
    }
    this.#memory = new Uint8Array(memory.buffer)
    this.#bytes = new Uint8Array(bytes)
    this.#ranges = ranges
    this.#states = states
    this.runs = calls.map(call => new Run(exports, call))
  }

  /** Copies a part that takes little time; whether all is there. */
  load(): boolean {
    const end = this.#read + part
    while (this.#loaded < this.#ranges.length) {
      const [at, length] = this.#ranges[this.#loaded]!
      if (this.#read + length > end) return false
      this.#memory.set(this.#bytes.subarray(this.#read, this.#read + length), at)
      this.#read += length
      this.#loaded++
    }
    this.#starts = this.#states.map(([at, length]) => this.#memory.slice(at, at + length))
    return true
  }

  /** Starts anew. */
  reset(): void {
    this.#states.forEach(([at], i) => {
      this.#memory.set(this.#starts[i]!, at)
    })
  }
}
