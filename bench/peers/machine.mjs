import { peakOf } from '../kernels/pairs.mjs'
import { flops, weightsRead } from './rows.mjs'

const slice = 0.25 // milliseconds

/** What the machine can do at this moment, by the kernels' exports. */
export class Machine {
  #wasm
  #peak
  /** Numbers to read, as many as the largest row has weights. */
  #numbers = { at: 0, length: 0 }

  constructor(wasm) {
    this.#wasm = wasm
    this.#peak = peakOf(wasm)
  }

  /** GFLOP/s of multiplications and additions in registers: the best of some short measures. */
  peak() {
    return Math.max(...Array.from({ length: 5 }, this.#peak))
  }

  /**
   * The least µs that a row can take: its products at the peak, or its weights streamed, whichever is longer. Measured when it
   * is called.
   */
  boundOf(row) {
    const { all, read } = weightsRead(row)
    const length = 32 * Math.ceil(all / 32)
    if (length > this.#numbers.length) this.#numbers = { at: this.#wasm.reserve(length) >>> 0, length }
    const stream = times => {
      const start = performance.now()
      this.#wasm.stream(times, length, this.#numbers.at)
      return performance.now() - start
    }
    stream(2)
    let times = 1
    while (stream(times) < slice && times < 1e6) times *= 4
    return () => {
      const products = flops(row) / this.peak() / 1e3
      const pass = (Math.min(stream(times), stream(times)) * 1000) / times
      const weights = (pass * read) / length
      return { micros: Math.max(products, weights), by: products >= weights ? 'products' : 'weights' }
    }
  }
}
