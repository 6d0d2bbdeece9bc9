import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { digitsRow } from './digits.mjs'
import { measure } from './measure.mjs'
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
    rounds: { type: 'string', default: '21' },
  },
})
const result = {
  node: process.versions.node,
  cpu: cpus()[0]?.model ?? 'unknown',
  peak: measurePeak(),
  rows: [],
}
if (!options.json) console.log(heading(result))
for (const row of [...rows, digitsRow()].filter(({ shape }) => shape.includes(options.only))) {
  const measured = await measureRow(row)
  result.rows.push(measured)
  if (!options.json) console.log(line(measured, result.peak))
}
if (options.json) console.log(JSON.stringify(result))

async function measureRow(row) {
  const weights = weightsOf(row)
  const contestants = []
  for (const { prepare } of [ours, ortWeb, tfjsWasm]) {
    const contestant = await prepare(row, weights)
    if (contestant) contestants.push(contestant)
  }
  await assertEqual(row, contestants)
  const measured = await measure(contestants, { rounds: Math.max(5, Number(options.rounds) || 21) })
  for (const contestant of contestants) contestant.dispose()
  const entry = { shape: row.shape }
  contestants.forEach(({ name }, i) => {
    entry[name] = Number(measured[i].micros.toPrecision(5))
  })
  entry.flops = flops(row)
  if (row.realTime) entry.timesRealTime = Math.round((row.realTime * 1e6) / entry.ours)
  entry.ratios = {} // ours to theirs in the same round: lower quartile, median, upper quartile
  contestants.slice(1).forEach(({ name }, i) => {
    entry.ratios[name] = measured[i + 1].ratio.map(value => Number(value.toPrecision(3)))
  })
  return entry
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
