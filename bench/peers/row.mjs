/** One row: contestants are made, their answers compared, their times taken. The same in Node and in a page. */
import { measure, quantile } from './measure.mjs'
import { inputOf } from './rows.mjs'

/**
 * @param {import('./rows.mjs').Row} row
 * @param {(() => Promise<object | null>)[]} makers ours first; null where a library has no such layer
 * @param {(() => { micros: number, by: string }) | undefined} bound
 */
export async function measureRow(row, makers, bound, options) {
  const contestants = []
  try {
    for (const make of makers) {
      const contestant = await make()
      if (!contestant) continue
      contestants.push(contestant)
      const start = performance.now()
      await contestant.call()
      contestant.first = (performance.now() - start) * 1000
    }
    if (contestants.length > 1) await assertEqual(row, contestants)
    return entryOf(row, contestants, await measure(contestants, bound, options))
  } finally {
    for (const contestant of contestants) await contestant.dispose()
  }
}

function entryOf(row, contestants, { results, first, bounds }) {
  const entry = { shape: row.shape, first: {}, p99: {}, heap: {}, ratios: {} }
  contestants.forEach(({ name }, i) => {
    entry[name] = round(results[i].micros, 5)
    for (const what of ['first', 'p99', 'heap'])
      if (results[i][what] !== undefined) entry[what][name] = round(results[i][what], 4)
    // Of our time to theirs in the same round: lower quartile, median, upper quartile.
    if (i > 0) entry.ratios[name] = results[i].ratio.map(value => round(row.longer ? value - 1 : value, 3))
  })
  if (row.longer) entry.ours = round(results[0].micros - results[1].micros, 5)
  if (row.aim !== undefined) entry.aim = round(row.aim, 3)
  if (bounds.length === 0) return entry
  const shares = first.map((micros, i) => bounds[i].micros / micros)
  const byWeights = bounds.filter(({ by }) => by === 'weights').length > bounds.length / 2
  entry.bound = round(
    quantile(
      bounds.map(({ micros }) => micros),
      0.5,
    ),
    3,
  )
  entry.boundBy = byWeights ? 'weights' : 'products'
  entry.percentOfBound = round(100 * quantile(shares, 0.5), 3)
  if (row.realTime) entry.timesRealTime = Math.round((row.realTime * 1e6) / entry.ours)
  return entry
}

export function round(value, digits) {
  return Number(value.toPrecision(digits))
}

/** All contestants give the same numbers over a few calls, states carried, or nothing is measured. */
async function assertEqual(row, contestants) {
  for (const { reset } of contestants) reset()
  for (let call = 0; call < (row.slow ? 1 : 4); call++) {
    const answers = []
    for (const contestant of contestants) answers.push(valid(row, await contestant.run(inputOf(row, call))))
    const [expected, ...others] = answers
    const size = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1)
    others.forEach((actual, i) => {
      const { name } = contestants[i + 1]
      if (actual.length !== expected.length) throw new Error(`${row.shape}: ${name} gives another shape`)
      const worst = actual.reduce((most, value, at) => Math.max(most, Math.abs(value - expected[at])), 0)
      if (!(worst < 1e-5 * size)) throw new Error(`${row.shape}: ${name} differs by ${worst}`)
    })
  }
}

/** The answer without what stands at masked steps: there tfjs repeats, Keras and onnxruntime give zeros. */
function valid({ lengths, batch, steps }, answer) {
  if (!lengths) return answer
  const width = answer.length / (batch * steps)
  const kept = answer.slice()
  lengths.forEach((length, row) => {
    kept.fill(0, (row * steps + length) * width, (row + 1) * steps * width)
  })
  return kept
}
