import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { stripVTControlCharacters } from 'node:util'

/**
 * Counts of passed and failed tests and checks. `.ci/run` names a file in LAYER_RNN_TALLY, to which every command adds
 * its lines, and prints their sum with `node scripts/tally.mjs FILE`.
 */
export function record(name, { passed, failed }) {
  const file = process.env.LAYER_RNN_TALLY
  if (file) appendFileSync(file, `${name}\t${passed}\t${failed}\n`)
}

/** The counts in what `cargo test` (or `wasm-pack test`) printed. */
export function cargoCounts(text) {
  const counts = { passed: 0, failed: 0 }
  for (const [, passed, failed] of plain(text).matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed/gm)) {
    counts.passed += Number(passed)
    counts.failed += Number(failed)
  }
  return counts
}

/** The counts in what uvu printed. */
export function uvuCounts(text) {
  const number = name => Number(new RegExp(`^\\s*${name}:\\s+(\\d+)`, 'm').exec(plain(text))?.[1] ?? 0)
  return { passed: number('Passed'), failed: number('Total') - number('Passed') }
}

export const sum = counts => ({
  passed: counts.reduce((total, { passed }) => total + passed, 0),
  failed: counts.reduce((total, { failed }) => total + failed, 0),
})

export const closing = ({ passed, failed }) => `${passed} passed, ${failed} failed`

const plain = text => stripVTControlCharacters(text).replaceAll('\r', '')

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const file = process.argv[2]
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
  const counts = lines
    .map(line => line.split('\t'))
    .map(([name, passed, failed]) => ({
      name,
      passed: Number(passed),
      failed: Number(failed),
    }))
  const width = Math.max(...counts.map(({ name }) => name.length), 0)
  for (const count of counts) console.log(`${count.name.padEnd(width)}  ${closing(count)}`)
  const total = sum(counts)
  if (total.failed > 0 || total.passed === 0) process.exitCode = 1
  console.log(closing(total))
}
