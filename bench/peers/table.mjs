const columns = [
  ['shape', 64],
  ['ours µs', 10],
  ['ort-web', 10],
  ['tfjs wasm', 11],
  ['ours / ort-web', 21],
  ['of bound', 10],
  ['first µs', 10],
  ['p99 µs', 10],
  ['heap B', 8],
]

const joined = (cells, columns) =>
  cells.map((cell, i) => (i === 0 ? cell.padEnd(columns[i][1]) : cell.padStart(columns[i][1]))).join('')

/** What all tables of a run have in common. */
export function intro({ node, engine, cpu, peak, peers }) {
  const where = node ? `Node ${node} (${engine})` : engine
  return [
    `${where}, ${cpu}, multiply-add peak ${peak.toFixed(1)} GFLOP/s; onnxruntime-web ${peers.ortWeb}, tfjs ${peers.tfjsWasm}`,
    'medians of one interleaved run, one thread each; the ratio with its quartiles; the bound: products at the peak (p) or weights',
    'streamed (w), whichever takes longer; first call, 99th percentile and bytes of heap a call are ours',
  ].join('\n')
}

const titles = columns =>
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
    micros(ours),
    micros(ortWeb),
    micros(tfjsWasm),
    ratios.ortWeb ? ratioText(ratios.ortWeb) : '–',
    `${percent(percentOfBound)} ${boundBy[0]}`,
    micros(first.ours),
    micros(p99.ours),
    heap.ours === undefined ? '–' : String(heap.ours),
  ]
  const text = joined(cells, columns)
  return timesRealTime ? `${text}   ${timesRealTime.toLocaleString('en')}× faster than real time` : text
}

function ratioText(quartiles) {
  const [low, median, high] = quartiles.map(ratio => percent(100 * ratio))
  return `${median} (${low} – ${high})`
}

const ownColumns = [
  ['cells of one’s own, gradients, before the first call', 64],
  ['ours µs', 10],
  ['against', 11],
  ['its µs', 10],
  ['ours / it', 24],
  ['aim ≤', 10],
  ['first µs', 10],
  ['p99 µs', 10],
  ['heap B', 8],
]

export const ownHeading = () => `\n${titles(ownColumns)}`

export function ownLine({ shape, ours, aim, ratios, first, p99, heap, ...others }) {
  const [against] = Object.keys(ratios)
  const [low, median, high] = (ratios[against] ?? []).map(ratio => ratio.toPrecision(3))
  const ratio = against ? `${median} (${low} – ${high})` : '–'
  return joined(
    [
      shape,
      micros(ours),
      against ?? '–',
      micros(others[against]),
      ratio,
      against ? aim.toPrecision(3) : `${aim} µs`,
      micros(first.ours),
      micros(p99.ours),
      heap.ours === undefined ? '–' : String(heap.ours),
    ],
    ownColumns,
  )
}

/** The same for README.md. */
export function markdown({ node, cpu, date, peers, rows }) {
  const lines = rows.map(({ shape, ours, ratios, percentOfBound }) => {
    const times = ratios.tfjsWasm ? `${(1 / ratios.tfjsWasm[1]).toPrecision(2)}×` : ''
    return `| ${shape} | ${micros(ours)} µs | ${percent(100 * ratios.ortWeb[1])} | ${times} | ${percent(percentOfBound)} |`
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

const percent = value => `${value.toFixed(0)} %`

function micros(value) {
  if (value === undefined) return '–'
  return value.toFixed(value < 100 ? 2 : 0)
}
