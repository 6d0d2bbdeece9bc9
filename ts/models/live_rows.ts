/** Which rows of a stream are used: a row keeps its index when others go, and a new one takes the first place that is free. */
import { ArgumentError, mustBe, StateError } from '../errors.js'

export class LiveRows {
  #used: boolean[]

  constructor(count: number) {
    this.#used = new Array(count).fill(true)
  }

  /** How many places there are: that of the last row and all before it, but at least one. */
  get size(): number {
    return Math.max(1, this.#used.length)
  }

  /** The indices of the rows, ascending. */
  get indices(): number[] {
    return this.#used.flatMap((used, i) => (used ? [i] : []))
  }

  /** Where `add` will put a row. */
  get next(): number {
    const free = this.#used.indexOf(false)
    return free < 0 ? this.#used.length : free
  }

  add(): void {
    this.#used[this.next] = true
  }

  remove(row: number): void {
    this.#used[row] = false
    this.#used.length = this.#used.lastIndexOf(true) + 1
  }

  /** The same rows. */
  copy(): LiveRows {
    const copy = new LiveRows(0)
    copy.#used = [...this.#used]
    return copy
  }

  /** Refuses what is no row. */
  check(layer: string, row: number): void {
    if (!Number.isInteger(row) || row < 0) throw mustBe(layer, 'row', 'the index of a row', row)
    if (this.#used[row]) return
    const expected = this.indices
    const [Class, text] =
      row < this.#used.length
        ? [StateError, `row ${row} has been removed`]
        : [ArgumentError, `there is no row ${row}; the last one is ${expected.at(-1) ?? 'gone'}`]
    throw new Class(`${layer}: ${text}`, { layer, argument: 'row', expected, actual: row })
  }
}
