import { cpus } from 'node:os'
import { measure, peakOf } from './pairs.mjs'
import { rows } from './rows.mjs'
import { tiles } from './tiles.mjs'
import { load } from './wasm.mjs'

const args = process.argv.slice(2)
const option = (name, otherwise) => (args.includes(name) ? args[args.indexOf(name) + 1] : otherwise)
const only = option('--only', '')

const wasm = load()
const kernels = (args.includes('--tiles') ? tiles(wasm) : rows(wasm)).filter(({ kernel, shape }) =>
  `${kernel} ${shape}`.includes(only),
)
const result = measure(peakOf(wasm), kernels, Number(option('--rounds', 201)))
const about = {
  node: process.versions.node,
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  peak: round(result.peak),
}

if (args.includes('--json')) {
  const short = result.rows.map(({ kernel, shape, micros, gflops, percentOfPeak }) => ({
    kernel,
    shape,
    micros: round(micros, 3),
    ...(gflops > 0 && { gflops: round(gflops), percentOfPeak: round(percentOfPeak) }),
  }))
  console.log(JSON.stringify({ ...about, rows: short }))
} else {
  console.log(`Node ${about.node}, ${about.cpu}, multiply-add peak ${about.peak} GFLOP/s`)
  console.log(
    'medians of one run in which each measure stands beside one of the peak; quartiles in brackets\n',
  )
  console.log(line('kernel', 'shape', 'µs', 'GFLOP/s', 'of peak'))
  result.rows.forEach((row, i) => {
    const { items } = kernels[i]
    const share = `${round(row.percentOfPeak)} % (${round(row.low)} – ${round(row.high)})`
    const speed =
      row.gflops > 0 ? [round(row.gflops), share] : [`${round((row.micros * 1000) / items, 2)} ns each`, '']
    console.log(line(row.kernel, row.shape, round(row.micros, 3), ...speed))
  })
}

function round(x, digits = 1) {
  return Number(x.toFixed(digits))
}

function line(kernel, shape, micros, speed, share) {
  const right = (text, width) => String(text).padStart(width)
  return `${kernel.padEnd(20)}${shape.padEnd(14)}${right(micros, 10)}${right(speed, 15)}  ${share}`
}
