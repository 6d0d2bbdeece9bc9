import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { digitsRow } from './digits.mjs'
import { measure, quantile } from './measure.mjs'
import * as ortWeb from './ort_web.mjs'
import * as ours from './ours.mjs'
import { measurePeak } from './peak.mjs'
import { flops, inputOf, rows, weightsOf } from './rows.mjs'
import { heading, line } from './table.mjs'
import * as tfjsWasm from './tfjs_wasm.mjs'

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    node: { type: 'string' },
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '41' },
  },
})
const result = {
  node: process.versions.node,
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  peak: measurePeak(),
  rows: [],
}
const peaks = []
const chosen = [...rows, digitsRow()].filter(({ shape }) => shape.includes(options.only))
if (chosen.length === 0) throw new Error(`no row's name contains "${options.only}"`)
if (!options.json) console.log(heading(result))
for (const row of chosen) {
  const measured = await measureRow(row)
  result.rows.push(measured)
  if (!options.json) console.log(line(measured))
}
result.peak = round(quantile(peaks, 0.5), 3)
if (options.json) console.log(JSON.stringify(result))

async function measureRow(row) {
  const weights = weightsOf(row)
  const contestants = []
  for (const { prepare } of [ours, ortWeb, tfjsWasm]) {
    const contestant = await prepare(row, weights)
    if (contestant) contestants.push(contestant)
  }
  await assertEqual(row, contestants)
  const measured = await measure(contestants, measurePeak, {
    rounds: Math.max(5, Number(options.rounds) || 41),
  })
  for (const contestant of contestants) contestant.dispose()
  peaks.push(...measured.peaks)
  const entry = { shape: row.shape }
  const ratios = {} // of our time to theirs in the same round: lower quartile, median, upper quartile
  contestants.forEach(({ name }, i) => {
    entry[name] = round(measured.results[i].micros, 5)
    if (i > 0) ratios[name] = measured.results[i].ratio.map(value => round(value, 3))
  })
  const shares = measured.first.map((micros, i) => flops(row) / micros / 1e3 / measured.peaks[i])
  Object.assign(entry, { ratios, percentOfPeak: round(100 * quantile(shares, 0.5), 3) })
  if (row.realTime) entry.timesRealTime = Math.round((row.realTime * 1e6) / entry.ours)
  return entry
}

function round(value, digits) {
  return Number(value.toPrecision(digits))
}

/** All contestants give the same numbers over a few calls, states carried, or nothing is measured. */
async function assertEqual(row, contestants) {
  for (const { reset } of contestants) reset()
  for (let call = 0; call < 4; call++) {
    const answers = []
    for (const contestant of contestants) answers.push(await contestant.run(inputOf(row, call)))
    const [expected, ...others] = answers
    others.forEach((actual, i) => {
      if (actual.length !== expected.length)
        throw new Error(`${row.shape}: ${contestants[i + 1].name} gives another shape`)
      const worst = actual.reduce((most, value, at) => Math.max(most, Math.abs(value - expected[at])), 0)
      if (!(worst < 1e-5)) throw new Error(`${row.shape}: ${contestants[i + 1].name} differs by ${worst}`)
    })
  }
}
