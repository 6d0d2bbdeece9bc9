/** What the steps of one call of a cell have in common: where they draw from, and what is made once for all of them. */
import { currentPath } from '../errors.js'
import { Distribution, Op } from '../generated/enums.js'
import type { DType, Shape } from '../tensor/shape.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import { cast } from './cast.js'
import { full, zeros } from './creation.js'
import { draw, type Source } from './draw.js'
import { add } from './elementwise.js'
import { hasRows } from './rows.js'
import { hash } from './seed.js'
import type { SeedGenerator } from './seed_generator.js'
import { sizeAlong, Trace, type TracedTensor } from './trace.js'

/** In a stream: makes something `[rows, ...]` that each row keeps, zeros at first, or the trace's start of this number. */
export type Memory = (type: { shape: Shape; dtype: DType }, how?: { start?: number }) => TracedTensor

/** The steps before a part of a call, and the call. */
interface PartOf {
  call: CellCall
  step: number
}

export class CellCall {
  /** The trace around the steps. */
  readonly outer: Trace
  /** Tells the call from others. */
  readonly path: string
  readonly #sequence: TracedTensor
  readonly #memory: Memory | undefined
  readonly #part: PartOf | undefined
  readonly #made = new Map<object, Map<string, unknown>>()

  /** A call on sequences `[batch, time, ...]`, of which `sequence` is one. */
  constructor(sequence: TracedTensor, memory?: Memory, part?: PartOf) {
    this.outer = sequence.trace
    this.path = part?.call.path ?? nextPath(this.outer, 'call')
    this.#sequence = sequence
    this.#memory = memory
    this.#part = part
  }

  /** The same call from this step on. */
  at(step: number): CellCall {
    return new CellCall(this.#sequence, undefined, { call: this, step })
  }

  /** What `make` makes outside of the steps for sequences like `rows`. The same owner and name give the same. */
  once<T>(owner: object, name: string, make: (rows: SymbolicTensor) => T): T {
    if (this.#part) return this.#part.call.once(owner, name, make)
    return this.#keep(owner, name, () => {
      const before = between
      between = this
      try {
        return make(this.#sequence)
      } finally {
        between = before
      }
    })
  }

  /** What every step draws from: another call in each run, or what is the same in all. */
  source(generator?: SeedGenerator): Omit<Source, 'key'> {
    return { state: this.state(generator), step: this.#first() }
  }

  /** The generator's state in this call. Inside a step of another cell it is another one at each of those. */
  state(generator?: SeedGenerator): TracedTensor | undefined {
    const { outer } = this
    if (this.#part) return this.#part.call.state(generator)
    if (outer.call) return this.#keep(generator ?? this, 'state', () => this.#drawn(generator))
    if (!generator) return undefined
    const streams = outer.phase === 'start' ? this.#sequence.shape[1] === null : this.#memory
    if (streams) return this.#keep(generator, 'state', () => this.#started(generator))
    generator.countIn(outer)
    return outer.capture(generator.state)
  }

  #drawn(generator?: SeedGenerator): TracedTensor {
    const sizes = [sizeAlong(this.#sequence, 0), 2]
    const source = (trace: Trace) => sourceIn(trace, generator)
    const drawn = draw('random', Distribution.Uniform, sizes, [0, 2 ** 24], source)
    const state = this.outer.own(cast(drawn, 'int32'))
    hasRows(state)
    return state
  }

  /** In a stream every start of a row is a call, which goes on from step to step. */
  #started(generator: SeedGenerator): TracedTensor {
    const { outer } = this
    const start = add(zeros([sizeAlong(this.#sequence, 0), 2], 'int32'), generator.state)
    const index = outer.starts.push(start) - 1
    if (!this.#memory) {
      generator.countIn(outer)
      return outer.own(start)
    }
    const state = this.#memory(start, { start: index })
    outer.assign(state, state)
    return state
  }

  /** The number of the first step, where it is not 0. */
  #first(): TracedTensor | undefined {
    const { step = 0 } = this.#part ?? {}
    if (step === 0 && !this.#memory) return undefined
    return this.#keep(this, 'step', () => {
      const { outer } = this
      if (!this.#memory) return outer.own(full([], step, 'int32'))
      const first = this.#memory({ shape: [null], dtype: 'int32' })
      const [steps] = outer.emit(Op.Size, [this.#sequence], [1, 1])
      outer.assign(first, add(first, cast(steps!, 'int32')))
      return first
    })
  }

  #keep<T>(owner: object, name: string, make: () => T): T {
    const known = this.#made.get(owner) ?? new Map<string, unknown>()
    this.#made.set(owner, known)
    if (!known.has(name)) known.set(name, this.outer.run(make))
    return known.get(name) as T
  }
}

/** The call for all of whose steps something is being made. */
let between: CellCall | undefined

/** A path that nothing else has in this trace, and that is the same when it is traced again. */
function nextPath(trace: Trace, what = ''): string {
  const path = trace.call ? `${trace.call.path}:${currentPath()}` : currentPath()
  return `${path}/${what}${trace.count(what + path)}`
}

/** What the next op of this trace draws from. */
export function sourceIn(trace: Trace, generator?: SeedGenerator): Source {
  const key = hash(nextPath(trace))
  if (between?.outer === trace) return { key, state: between.state(generator) }
  if (trace.call) return { key, ...trace.call.source(generator) }
  generator?.countIn(trace)
  return { key, state: generator?.state }
}

/** What `make` makes for rows as in `like`: in a step it is the same at every step of the call. */
export function onceIn<T>(
  owner: object,
  name: string,
  like: SymbolicTensor,
  make: (rows: SymbolicTensor) => T,
): T {
  const call = Trace.current()?.call
  return call ? call.once(owner, name, make) : make(like)
}
