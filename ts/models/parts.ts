/** Data in a form, part by part: what comes in its usual form is read without allocating anything. */
import { isPlain, leaves, type Nested } from '../layers/structure.js'
import type { KerasTensor } from './graph.js'
import { arrange } from './io.js'

export class Parts {
  readonly #layer: string
  readonly #argument: string
  readonly #form: Nested<KerasTensor>
  readonly #names: readonly string[]
  readonly #list: boolean

  constructor(layer: string, argument: string, form: Nested<KerasTensor>) {
    this.#layer = layer
    this.#argument = argument
    this.#form = form
    this.#names = isPlain(form) ? Object.keys(form) : leaves(form).map(({ name }) => name)
    this.#list = Array.isArray(form)
  }

  /** Refuses what has not the form. */
  check(value: unknown): void {
    if (!this.#fits(value)) arrange(this.#layer, this.#argument, this.#form, value)
  }

  /** The part for the tensor `i` of the form. */
  at(value: unknown, i: number): unknown {
    if (isPlain(value)) return value[this.#names[i]!]
    return this.#list ? (value as unknown[])[i] : value
  }

  #fits(value: unknown): boolean {
    const names = this.#names
    if (!isPlain(value)) {
      if (this.#list) return Array.isArray(value) && value.length === names.length
      return !isPlain(this.#form)
    }
    let count = 0
    for (const name in value) if (Object.hasOwn(value, name)) count++
    for (let i = 0; i < names.length; i++) if (!Object.hasOwn(value, names[i]!)) return false
    return count === names.length
  }
}
