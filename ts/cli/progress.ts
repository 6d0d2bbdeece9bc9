/** A bar on stderr for work that takes long; nothing where nobody looks. */

const width = 30
/** Milliseconds before the bar appears, and between its changes. */
const patience = 400
const interval = 100

export class Progress {
  readonly #what: string
  readonly #total: number
  readonly #start = performance.now()
  #next = this.#start + patience
  #shown = false

  constructor(what: string, total: number) {
    this.#what = what
    this.#total = total
  }

  /** Says that `done` of the total is done. */
  at(done: number): void {
    const now = performance.now()
    if (!process.stderr.isTTY || now < this.#next) return
    this.#next = now + interval
    this.#shown = true
    const share = Math.min(1, done / this.#total)
    const bar = '━'.repeat(Math.round(width * share)).padEnd(width, '┄')
    const left = share > 0 ? Math.ceil(((now - this.#start) * (1 / share - 1)) / 1000) : 0
    process.stderr.write(`\r\x1b[K${this.#what} ${bar} ${Math.floor(100 * share)} %  ${left} s left`)
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#shown) process.stderr.write('\r\x1b[K')
  }
}
