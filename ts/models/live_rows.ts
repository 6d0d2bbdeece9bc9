/** Which places of a stream hold rows: a row keeps its index when others go, and a new one takes the first place that is free. */
import { ArgumentError, mustBe, StateError } from '../errors.js'
import type { Data } from '../tensor/shape.js'

export class LiveRows {
  /** The place behind the last row. */
  #end: number
  /** The free places before it, ascending. */
  #free: number[]

  constructor(count: number, free: readonly number[] = []) {
    this.#end = count
    this.#free = [...free]
  }

  /** How many places there are: that of the last row and all before it, but at least one. */
  get size(): number {
    return Math.max(1, this.#end)
  }

  /** The indices of the rows, ascending. */
  get indices(): number[] {
    return Array.from({ length: this.#end }, (_, i) => i).filter(i => this.has(i))
  }

  /** Where `add` will put a row. */
  get next(): number {
    return this.#free[0] ?? this.#end
  }

  has(row: number): boolean {
    return row < this.#end && this.#free[this.#search(row)] !== row
  }

  /** Whether each of so many places holds a row. */
  fill(places: number): boolean {
    return this.#free.length === 0 && this.#end === places
  }

  add(): void {
    if (this.#free.shift() === undefined) this.#end++
  }

  remove(row: number): void {
    const free = this.#free
    free.splice(this.#search(row), 0, row)
    for (; free.at(-1) === this.#end - 1; this.#end--) free.pop()
  }

  /** Makes zeros of what numbers `[places, ...]` hold where there is no row. */
  clear(numbers: Data, places: number): void {
    const size = numbers.length / places
    const free = this.#free
    for (let i = 0; i < free.length; i++) numbers.fill(0, free[i]! * size, (free[i]! + 1) * size)
    numbers.fill(0, this.#end * size)
  }

  /** The same rows. */
  copy(): LiveRows {
    return new LiveRows(this.#end, this.#free)
  }

  /** Refuses what is no row. */
  check(layer: string, row: number): void {
    if (!Number.isInteger(row) || row < 0) throw mustBe(layer, 'row', 'the index of a row', row)
    if (this.has(row)) return
    const expected = this.indices
    const [Class, text] =
      row < this.#end
        ? [StateError, `row ${row} has been removed`]
        : [ArgumentError, `there is no row ${row}; the last one is ${expected.at(-1) ?? 'gone'}`]
    throw new Class(`${layer}: ${text}`, { layer, argument: 'row', expected, actual: row })
  }

  /** Where a place is among the free ones, or would be. */
  #search(place: number): number {
    let [low, high] = [0, this.#free.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#free[middle]! < place) low = middle + 1
      else high = middle
    }
    return low
  }
}
