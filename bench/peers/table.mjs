const columns = [
  ['shape', 63],
  ['ours', 9],
  ['ort-web', 9],
  ['tfjs wasm', 9],
  ['ours / ort-web', 21],
  ['of bound', 9],
  ['first', 9],
  ['p99', 9],
  ['heap B', 7],
]

export const joined = (cells, columns) =>
  cells.map((cell, i) => (i === 0 ? cell.padEnd(columns[i][1]) : cell.padStart(columns[i][1]))).join(' ')

/** What all tables of a run have in common. */
export function intro({ node, engine, cpu, peak, peers }) {
  const where = node ? `Node ${node} (${engine})` : engine
  return [
    `${where}, ${cpu}, multiply-add peak ${peak.toFixed(1)} GFLOP/s; onnxruntime-web ${peers.ortWeb}, tfjs ${peers.tfjsWasm}`,
    'medians of one interleaved run, one thread each; the ratio with its quartiles; the bound: products at the peak (p) or weights',
    'streamed (w), whichever takes longer; first call, 99th percentile and bytes of heap a call are ours',
  ].join('\n')
}

export const titles = columns =>
  joined(
    columns.map(([title]) => title),
    columns,
  )

export const heading = () => `\n${titles(columns)}`

export function line(row) {
  const { shape, ours, ortWeb, tfjsWasm, ratios, percentOfBound, boundBy, timesRealTime, first, p99, heap } =
    row
  const cells = [
    shape,
    time(ours),
    time(ortWeb),
    time(tfjsWasm),
    ratioText(ratios.ortWeb),
    `${percent(percentOfBound)} ${boundBy[0]}`,
    time(first.ours),
    time(p99.ours),
    heap.ours === undefined ? '–' : String(heap.ours),
  ]
  const text = joined(cells, columns)
  return timesRealTime ? `${text}   ${timesRealTime.toLocaleString('en')}× faster than real time` : text
}

function ratioText(quartiles) {
  if (!quartiles) return '–'
  const [low, median, high] = quartiles.map(ratio => percent(100 * ratio))
  return `${median} (${low} – ${high})`
}

const ownColumns = [
  ['cells of one’s own, gradients, before the first call', 63],
  ['ours', 9],
  ['against', 9],
  ['its', 9],
  ['ours / its', 24],
  ['aim ≤', 8],
  ['first', 9],
  ['p99', 9],
  ['heap B', 7],
]

export const ownHeading = () => `\n${titles(ownColumns)}`

export function ownLine({ shape, ours, aim, ratios, first, p99, heap, ...others }) {
  const [against] = Object.keys(ratios)
  return joined(
    [
      shape,
      time(ours),
      against ?? '–',
      time(others[against]),
      ratioText(ratios[against]),
      against ? percent(100 * aim) : time(aim),
      time(first.ours),
      time(p99.ours),
      heap.ours === undefined ? '–' : String(heap.ours),
    ],
    ownColumns,
  )
}

/** The same for README.md. */
export function markdown({ node, cpu, date, peers, rows }) {
  const lines = rows.map(({ shape, ours, ratios, percentOfBound }) => {
    const times = ratios.tfjsWasm ? `${short(1 / ratios.tfjsWasm[1])}×` : ''
    return `| ${shape} | ${time(ours)} | ${percent(100 * ratios.ortWeb[1])} | ${times} | ${percent(percentOfBound)} |`
  })
  return [
    `Time of one call, as a share of onnxruntime-web's ${peers.ortWeb} (wasm, one thread), how many times faster than TensorFlow.js`,
    `${peers.tfjsWasm} (wasm, one thread; it has no GRU that resets after the product), and how near to the machine's bound: products at its`,
    'multiply-add peak, or weights streamed once for each step, whichever takes longer.',
    '',
    '| | time | of onnxruntime-web | against tfjs | of the bound |',
    '|---|---|---|---|---|',
    ...lines,
    '',
    `Node ${node.split('.')[0]} on ${/^[aeio]/i.test(cpu) ? 'an' : 'a'} ${cpu}, ${date}, by \`npm run bench -- --node ${node.split('.')[0]} --record\`: same weights, answers asserted equal, then`,
    'timed interleaved; medians. `bench/record` has the quartiles, first calls, 99th percentiles and bytes allocated.',
  ].join('\n')
}

export const percent = value => `${short(value)} %`

/** Two digits at least, none of them behind the point from 10 on. */
export const short = value => value.toFixed(value < 10 ? 1 : 0)

/** Microseconds with three digits, in a unit that has them before or around the point. */
export function time(micros) {
  if (micros === undefined) return '–'
  const [value, unit] = micros < 999.5 ? [micros, 'µs'] : [micros / 1e3, 'ms']
  return `${value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${unit}`
}
