import { quantile } from '../peers/measure.mjs'

const slice = 0.25 // milliseconds: shorter than a scheduler's turn, so that most measures are not interrupted

/** Runs `kernel(times)` for about a slice; returns how often it must repeat for that. */
function calibrate(kernel) {
  const start = performance.now()
  while (performance.now() - start < 60) kernel(1) // until it is optimized code
  let times = 1
  for (;;) {
    const elapsed = time(kernel, times)
    if (elapsed >= slice) return times
    times = elapsed < slice / 10 ? times * 8 : Math.ceil((times * slice * 1.1) / elapsed)
  }
}

function time(kernel, times) {
  const start = performance.now()
  kernel(times)
  return performance.now() - start
}

/** A measure of the peak: `gflops()` is the rate at this moment. */
export function peakOf(wasm) {
  const kernel = times => wasm.peak(times * 1000, 0.999, 0.001)
  const times = calibrate(kernel)
  return () => (times * 1000 * 96) / time(kernel, times) / 1e6
}

/**
 * Measures kernels against the peak, each paired with a measure of the peak right beside it, all in turn. Of each: the median
 * µs and GFLOP/s, and the median and quartiles of its share of the peak.
 */
export function measure(peak, kernels, rounds) {
  const counts = kernels.map(({ run }) => calibrate(run))
  const peaks = []
  const samples = kernels.map(() => [])
  for (let round = 0; round < rounds; round++) {
    kernels.forEach(({ run, flops }, i) => {
      run(1) // the other rows have had the caches since
      const before = peak()
      const micros = (time(run, counts[i]) * 1000) / counts[i]
      const around = (before + peak()) / 2
      peaks.push(around)
      samples[i].push({ micros, share: flops / micros / 1e3 / around })
    })
  }
  const rows = kernels.map(({ kernel, shape, flops }, i) => {
    const micros = median(samples[i].map(sample => sample.micros))
    const shares = samples[i].map(sample => sample.share)
    const [low, middle, high] = [0.25, 0.5, 0.75].map(q => 100 * quantile(shares, q))
    return { kernel, shape, micros, gflops: flops / micros / 1e3, low, percentOfPeak: middle, high }
  })
  return { peak: median(peaks), rows }
}

const median = values => quantile(values, 0.5)
