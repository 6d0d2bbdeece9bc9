const columns = [
  ['shape', 42],
  ['ours µs', 10],
  ['ort-web', 10],
  ['tfjs wasm', 10],
  ['ours / ort-web', 24],
  ['of peak', 8],
]

export function heading({ node, cpu, peak }) {
  const titles = columns.map(([title, width], i) => (i === 0 ? title.padEnd(width) : title.padStart(width)))
  const about = `Node ${node}, ${cpu}, multiply-add peak ${peak.toFixed(1)} GFLOP/s`
  return `${about}\nmedians of one interleaved run, one thread each; the ratio with its quartiles\n\n${titles.join('')}`
}

export function line({ shape, ours, ortWeb, tfjsWasm, ratios, percentOfPeak, timesRealTime }) {
  const [low, median, high] = ratios.ortWeb.map(ratio => percent(100 * ratio))
  const ratio = `${median} (${low} – ${high})`
  const cells = [shape, micros(ours), micros(ortWeb), micros(tfjsWasm), ratio, percent(percentOfPeak)]
  const text = cells
    .map((cell, i) => (i === 0 ? cell.padEnd(columns[i][1]) : cell.padStart(columns[i][1])))
    .join('')
  return timesRealTime ? `${text}   ${timesRealTime.toLocaleString('en')}× faster than real time` : text
}

const percent = value => `${value.toFixed(0)} %`

function micros(value) {
  if (value === undefined) return '–'
  return value.toFixed(value < 100 ? 2 : 0)
}
