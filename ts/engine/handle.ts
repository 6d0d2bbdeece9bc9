/// <reference lib="esnext.disposable" preserve="true" />
/**
 * Ownership. What lives in the engine has a resource on this side that frees it once: by `dispose`, by `using`, at the end of a
 * `scope`, and if all of that was forgotten, some time after the object became unreachable.
 */
import { DisposedError } from '../errors.js'
import type { Trace } from '../ops/trace.js'
import { isPlain } from '../plain.js'
import { inspectSymbol } from '../tensor/printed.js'
import { type Engine, synchronous } from './engine.js'
import type { ExportName } from './instance.js'

const release = {
  tensor: 'tensor_free',
  trace: 'builder_free',
  program: 'program_free',
  call: 'call_free',
} satisfies Record<string, ExportName>

export type ResourceKind = keyof typeof release

/** Something in the engine's memory, by its id. */
export class Resource {
  readonly engine: Engine
  readonly #kind: ResourceKind
  readonly #instance: number
  #id: number

  constructor(owner: object, engine: Engine, kind: ResourceKind, id: number) {
    this.engine = engine
    this.#kind = kind
    this.#id = id
    this.#instance = engine.instance
    registry?.register(owner, this, this)
  }

  get alive(): boolean {
    return this.#id !== 0 && this.#instance === this.engine.instance
  }

  /** The id; `owner` names itself in the error when it is gone. */
  idFor(owner: object): number {
    if (this.#id === 0 || this.#instance !== this.engine.instance) {
      throw new DisposedError(`${owner} has been disposed`, { actual: String(owner) })
    }
    return this.#id
  }

  /** Says that the engine has already given it up. */
  forget(): void {
    this.#id = 0
    registry?.unregister(this)
  }

  free(): void {
    const { alive } = this
    const id = this.#id
    this.forget()
    // Nothing can be given back to an engine that has trapped: its restart frees all.
    if (alive && !this.engine.failed) this.engine.call(release[this.#kind], id)
  }
}

const registry =
  typeof FinalizationRegistry === 'function'
    ? new FinalizationRegistry<Resource>(resource => resource.free())
    : undefined

/** What `using` calls, in runtimes that have it. A method, since bundlers would keep a class for a call that adds one to it. */
export const disposeSymbol: unique symbol = (Symbol.dispose ?? /* @__PURE__ */ Symbol('dispose')) as never

/** What has to be disposed. */
export interface Disposes {
  readonly disposed: boolean
  dispose(): void
}

/** The same by `using` too. Consoles print it as text. */
export abstract class Owner implements Disposes {
  declare readonly [Symbol.dispose]: () => void
  abstract readonly disposed: boolean
  abstract dispose(): void

  /** @internal */
  [disposeSymbol](): void {
    this.dispose()
  }

  /** @internal */
  [inspectSymbol](): string {
    return String(this)
  }
}

/** Programs and what is made of them. */
export abstract class Handle extends Owner {
  readonly engine: Engine
  readonly #resource: Resource

  protected constructor(engine: Engine, kind: ResourceKind, id: number) {
    super()
    this.engine = engine
    this.#resource = new Resource(this, engine, kind, id)
  }

  /** The engine's number; a DisposedError when it is gone. @internal */
  get id(): number {
    return this.#resource.idFor(this)
  }

  get disposed(): boolean {
    return !this.#resource.alive
  }

  /** Frees what this holds in the engine. Twice is harmless. */
  dispose(): void {
    this.#resource.free()
  }

  /** For a call that takes the thing over. */
  protected forget(): void {
    this.#resource.forget()
  }
}

/** What code that makes tensors runs in. */
interface Context {
  /** The trace that ops are recorded in; without one they run at once. */
  trace?: Trace
  /** Collects the tensors that are made. */
  owned?: Set<Disposes>
}

let context: Context = {}

/** The trace that is being recorded. */
export const currentTrace = (): Trace | undefined => context.trace

/** Puts a new tensor into the scope that is open. */
export function made(tensor: Disposes): void {
  context.owned?.add(tensor)
}

/** Runs `fn` in another context. */
export function within<T>(inner: Context, fn: () => T): T {
  const outer = context
  context = inner
  try {
    return fn()
  } finally {
    context = outer
  }
}

const scopes: Set<Disposes>[] = []

/**
 * Runs `fn` and frees the tensors made inside, except those found in its result (in arrays and plain objects, however deep) and
 * those given to `keep`. Variables, layers, models and streams are never freed.
 */
export function scope<T>(fn: () => T): T {
  const owned = new Set<Disposes>()
  scopes.push(owned)
  try {
    const result = within({ ...context, owned }, () => synchronous('scope', fn))
    visit(result, tensor => {
      if (owned.delete(tensor)) made(tensor)
    })
    return result
  } finally {
    scopes.pop()
    for (const tensor of owned) tensor.dispose()
  }
}

/** Takes the tensors in `value` out of every open scope; gives it back. */
export function keep<T>(value: T): T {
  visit(value, tensor => {
    for (const owned of scopes) owned.delete(tensor)
  })
  return value
}

function visit(value: unknown, found: (tensor: Disposes) => void): void {
  if (Array.isArray(value) || isPlain(value)) for (const item of Object.values(value)) visit(item, found)
  else if (typeof value === 'object' && value !== null) found(value as Disposes)
}
