import { peakOf } from '../kernels/pairs.mjs'
import { load } from '../kernels/wasm.mjs'
import { quantile } from './measure.mjs'

const peak = peakOf(load())

/** GFLOP/s of multiplications and additions in registers, now: a fraction of a millisecond. */
export function measurePeak() {
  return quantile(
    Array.from({ length: 5 }, () => peak()),
    0.5,
  )
}
