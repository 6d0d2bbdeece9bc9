/** A tensor that a stream writes or reads at every step, its view kept so that nothing is allocated. */
import { ArgumentError, ShapeError, show } from '../errors.js'
import { convert } from '../tensor/convert.js'
import type { Data } from '../tensor/shape.js'
import { Tensor } from '../tensor/tensor.js'
import type { LiveRows } from './live_rows.js'

export class Port {
  readonly tensor: Tensor
  readonly #what: string
  readonly #shape: readonly number[]
  readonly #length: number
  #view: Data
  #own: Data | undefined

  /** `shape` is the tensor's as users see it, `what` its name in messages. */
  constructor(tensor: Tensor, shape: readonly number[], what: string) {
    this.tensor = tensor
    this.#what = what
    this.#shape = shape
    this.#view = tensor.view<Data>()
    this.#length = this.#view.length
  }

  /** The numbers in the engine's memory; made anew when that has moved. */
  get view(): Data {
    if (this.#view.buffer !== this.tensor.engine.raw.memory.buffer) this.#view = this.tensor.view<Data>()
    return this.#view
  }

  /** The array that results are copied to when none is given. */
  get own(): Data {
    this.#own ??= this.view.slice()
    return this.#own
  }

  /** Copies a frame in; what stands where `rows` has none may be any number. */
  write(values: unknown, rows?: LiveRows): void {
    const { view } = this
    if (fits(view, values)) {
      this.#check(values)
      view.set(values)
    } else view.set(this.#convert(values, rows))
  }

  /** Makes zeros of what stands where `rows` has none. */
  clear(rows: LiveRows): void {
    rows.clear(this.view, this.tensor.shape[0]!)
  }

  /** Copies a mask in: true, false or a truth value for each element. */
  writeMask(values: unknown): void {
    const { view } = this
    if (typeof values === 'boolean') view.fill(Number(values))
    else if (isFlat(values)) {
      this.#check(values)
      for (let i = 0; i < view.length; i++) view[i] = values[i] ? 1 : 0
    } else view.set(this.#convert(values))
  }

  /** Copies the numbers to `out`, or to the own array; gives the one that has them. */
  read(out?: Data): Data {
    const target = out ?? this.own
    if (target !== this.#own) {
      if (target.constructor !== this.view.constructor && !fits(this.view, target)) {
        throw new ArgumentError(`${this.#what} must be a typed array for ${this.tensor.dtype}`, {
          argument: this.#what,
          expected: this.tensor.dtype,
          actual: target,
        })
      }
      this.#check(target)
    }
    target.set(this.view)
    return target
  }

  /** Numbers in any form; a single step may come with or without its time axis. */
  #convert(values: unknown, rows?: LiveRows): Data {
    const { dtype, shape } = this.tensor
    const numbers = values instanceof Tensor ? values.read() : values
    const size = this.#length / shape[0]!
    const blank = rows && ((index: number) => !rows.has(Math.floor(index / size)))
    const { data, shape: given } = convert(numbers, { dtype, blank, what: this.#what })
    const fitting = given.length < 2 || given.join() === shape.join() || given.join() === this.#shape.join()
    if (!fitting || data.length !== this.#length) throw this.#wrong(data.length)
    return data
  }

  #check({ length }: { readonly length: number }): void {
    if (length !== this.#length) throw this.#wrong(length)
  }

  #wrong(length: number): ShapeError {
    const shape = show(this.#shape)
    return new ShapeError(`${this.#what} must hold ${this.#length} numbers, ${shape}, not ${length}`, {
      argument: this.#what,
      expected: this.#shape,
      actual: length,
    })
  }
}

/** Whether `values` go in as they are. */
function fits(view: Data, values: unknown): values is Data {
  if (values instanceof Float32Array || values instanceof Float64Array) return view instanceof Float32Array
  return values instanceof Int32Array && view instanceof Int32Array
}

function isFlat(values: unknown): values is ArrayLike<unknown> {
  if (ArrayBuffer.isView(values)) return true
  return Array.isArray(values) && typeof values[0] !== 'object'
}
