/** The ports of a stream's inputs, masks or outputs, in their form. */
import { type Nested, pack } from '../layers/structure.js'
import type { Data } from '../tensor/shape.js'
import { KerasTensor } from './graph.js'
import type { LiveRows } from './live_rows.js'
import { Parts } from './parts.js'
import type { Port } from './port.js'

export class Ports {
  readonly #form: Nested<KerasTensor>
  readonly #ports: readonly Port[]
  readonly #parts: Parts
  /** Without a list around it. */
  readonly #only: Port | undefined
  #own: unknown

  constructor(layer: string, argument: string, form: Nested<KerasTensor>, ports: readonly Port[]) {
    this.#form = form
    this.#ports = ports
    this.#parts = new Parts(layer, argument, form)
    this.#only = form instanceof KerasTensor ? ports[0] : undefined
  }

  /** The numbers in the engine's memory. */
  get view(): unknown {
    return (
      this.#only?.view ??
      pack(
        this.#form,
        this.#ports.map(port => port.view),
      )
    )
  }

  write(values: unknown, rows?: LiveRows): void {
    const ports = this.#ports
    const parts = this.#parts
    parts.check(values)
    for (let i = 0; i < ports.length; i++) ports[i]!.write(parts.at(values, i), rows)
  }

  /** Makes zeros of what stands where `rows` has none. */
  clear(rows: LiveRows): void {
    const ports = this.#ports
    for (let i = 0; i < ports.length; i++) ports[i]!.clear(rows)
  }

  /** Copies masks in; an input without one has all its steps. */
  writeMask(values: unknown): void {
    const ports = this.#ports
    const parts = this.#parts
    parts.check(values)
    for (let i = 0; i < ports.length; i++) ports[i]!.writeMask(parts.at(values, i) ?? true)
  }

  /** Copies the numbers to `out`, or to arrays that are the same every time; gives what has them. */
  read(out?: unknown): unknown {
    const ports = this.#ports
    const parts = this.#parts
    if (out !== undefined) parts.check(out)
    for (let i = 0; i < ports.length; i++) {
      ports[i]!.read(out === undefined ? undefined : (parts.at(out, i) as Data))
    }
    if (out !== undefined) return out
    this.#own ??=
      this.#only?.own ??
      pack(
        this.#form,
        ports.map(port => port.own),
      )
    return this.#own
  }
}
