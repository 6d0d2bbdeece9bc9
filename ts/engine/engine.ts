/** One engine: a wasm instance with its tensors and programs, and the words through which the two sides talk. */
import { ArgumentError, EngineError, MemoryError, mustBe } from '../errors.js'
import { Stat } from '../generated/enums.js'
import type { Shape } from '../tensor/shape.js'
import { failure } from './failure.js'
import { type ExportName, type Exports, instantiate } from './instance.js'
import { getModule } from './provider.js'

export interface EngineOptions {
  /** Most bytes that tensors, plans and packed weights may take together, 4 or more. Default: what the memory gives, up to 4 GB. */
  maxBytes?: number
}

/** What is alive in an engine. */
export interface EngineStats {
  tensors: number
  /** Programs, those being traced included. */
  programs: number
  /** Programs joined with their tensors, ready to run. */
  calls: number
  /** Bytes of tensors, working memory and packed weights. */
  bytes: number
}

/** Words that are always there: room for the records of ordinary ops. */
const firstWords = 1024

export class Engine {
  /** 0 for no bound. */
  readonly #maxBytes: number
  #exports: Exports | undefined
  #failed: EngineError | undefined
  #words = firstWords
  #instance = 0

  constructor(options: EngineOptions = {}) {
    if (Object(options) !== options || Object.keys(options).some(name => name !== 'maxBytes'))
      throw mustBe('createEngine', 'options', '{ maxBytes }', options)
    const { maxBytes } = options
    if (maxBytes !== undefined && !(Number.isFinite(maxBytes) && maxBytes >= 4))
      throw mustBe('createEngine', 'maxBytes', 'a number of bytes, 4 or more', maxBytes)
    this.#maxBytes = maxBytes ?? 0
    this.#start()
  }

  #start(): void {
    const exports = instantiate(getModule())
    if (exports.engine_start(this.#maxBytes) !== 0) throw new MemoryError('no memory for an engine')
    this.#exports = exports
    this.#failed = undefined
    this.#words = firstWords
  }

  /** Changes with every restart; what was made before belongs to an instance that is gone. @internal */
  get instance(): number {
    return this.#instance
  }

  /** The wasm's functions. @internal */
  get raw(): Exports {
    if (this.#failed) throw this.#failed
    if (!this.#exports) throw new EngineError('this engine has been disposed')
    return this.#exports
  }

  get disposed(): boolean {
    return !this.#exports
  }

  /** Whether the wasm has trapped, which is a bug in this package. */
  get failed(): boolean {
    return this.#failed !== undefined
  }

  /** Calls a function of the wasm; a trap marks the engine as failed. @internal */
  call(name: ExportName, ...args: number[]): number {
    const fn = this.raw[name] as (...args: number[]) => number
    try {
      return fn(...args)
    } catch (cause) {
      throw this.trapped(cause)
    }
  }

  /** Calls a function that answers with a byte address: above 2 GB JavaScript sees it as negative. @internal */
  address(name: ExportName, ...args: number[]): number {
    return this.call(name, ...args) >>> 0
  }

  /** What a trap leaves behind: an engine that refuses to go on. @internal */
  trapped(cause: unknown): EngineError {
    this.#failed = new EngineError(
      `the engine has failed (${(cause as Error)?.message}); engine.restart() makes it work again, without what it held`,
      { cause },
    )
    return this.#failed
  }

  /** Calls a function that answers with an id or a count, 0 when it failed. @internal */
  make(what: string, name: ExportName, args: readonly number[]): number {
    const id = this.call(name, ...args)
    if (id === 0) throw this.failure(what)
    return id
  }

  /** The error of the call that has just failed. @internal */
  failure(what: string, roles?: readonly (string | undefined)[], shapes?: readonly Shape[]): Error {
    return failure(this.call('error_code'), this.operands, what, roles, shapes)
  }

  /** Operands of the last failure: four of them, then the record of the program or −1. @internal */
  get operands(): Int32Array {
    return new Int32Array(this.raw.memory.buffer, this.address('boundary_pointer'), 5)
  }

  /** The boundary words as they stand now; not to be kept, memory may move. @internal */
  words(count: number): Uint32Array {
    if (count > this.#words) {
      if (this.call('boundary_reserve', count) !== 0) throw this.failure('boundary')
      this.#words = count
    }
    return new Uint32Array(this.raw.memory.buffer, this.address('boundary_pointer'), this.#words)
  }

  /** Writes words for the next call, which answers in up to `room` words; gives their number. @internal */
  send(values: readonly number[], room = 0): number {
    this.words(Math.max(values.length, room)).set(values)
    return values.length
  }

  /** What is alive. When everything was disposed, all counts are 0 again (working memory and packed weights stay in `bytes`). */
  stats(): EngineStats {
    const stat = (which: Stat) => this.call('engine_stat', which)
    return {
      tensors: stat(Stat.Tensors),
      programs: stat(Stat.Programs),
      calls: stat(Stat.Calls),
      bytes: stat(Stat.Bytes),
    }
  }

  /** Runs `fn`; what it makes belongs to this engine. */
  use<T>(fn: () => T): T {
    const outer = current
    current = this
    try {
      return synchronous('engine.use', fn)
    } finally {
      current = outer
    }
  }

  /** Starts anew, after a failure or to give memory back. Everything that the engine held is disposed. */
  restart(): void {
    this.#instance++
    this.#start()
  }

  /** Gives the engine's memory back; everything that it held is disposed. */
  dispose(): void {
    if (!this.#exports) return
    this.#instance++
    this.#exports = undefined
    if (current === this) current = undefined
  }
}

let current: Engine | undefined

/** A new engine with a memory of its own. */
export function createEngine(options?: EngineOptions): Engine {
  return new Engine(options)
}

/** The engine of `engine.use`, otherwise one that is made when it is first needed. */
export function currentEngine(): Engine {
  current ??= new Engine()
  return current
}

/** Calls a function; refuses a promise where things are put back when the function returns. */
export function synchronous<T>(what: string, fn: () => T): T {
  if (typeof fn !== 'function') throw mustBe(what, 'fn', 'a function', fn)
  const result = fn()
  if (typeof (result as { then?: unknown } | null)?.then !== 'function') return result
  throw new ArgumentError(
    `${what} needs a function that is not async: it ends before what the function awaits`,
    { argument: 'fn' },
  )
}
