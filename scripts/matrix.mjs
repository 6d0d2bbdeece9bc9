import { browsers } from './matrix/browsers.mjs'
import { bundle } from './matrix/bundlers.mjs'
import { install, packages } from './matrix/install.mjs'
import { next } from './matrix/next.mjs'
import { runtimes } from './matrix/runtimes.mjs'
import { build } from './setup/build.mjs'
import { Failure, main } from './setup/run.mjs'
import { closing, record } from './tally.mjs'

const usage = `npm run matrix -- [--no-browsers | --installed] [WORD ...]

Packs the package, installs the tarball, and runs it in every runtime; WORDs limit that to rows whose name contains one of them.
Runtimes are npm packages, fetched into .cache/matrix the first time (1.4 GB); browsers are those of the machine. What is not there is
said, and counted as failed. --no-browsers: only what needs none. --installed: only browsers of this machine; the others are said.`

/** Every row: a name, a version, and what gives its answers; all answers must be those of the first row. */
await main(async args => {
  const flags = new Set(['--no-browsers', '--installed'].filter(flag => args.includes(flag)))
  const words = args.filter(arg => !flags.has(arg))
  if (words.some(word => word.startsWith('-'))) {
    console.log(usage)
    return words.every(word => word === '--help' || word === '-h') ? 0 : 1
  }
  const wanted = name =>
    words.length === 0 || words.some(word => name.toLowerCase().includes(word.toLowerCase()))
  await build()
  await install()
  await bundle()
  const rows = []
  let expected
  const add = row => {
    const { name, version, answers, error } = row
    expected ??= answers
    const differing = Object.keys(expected ?? {}).filter(key => answers && answers[key] !== expected[key])
    const verdict = error ?? (differing.length > 0 ? `other ${differing.join(', ')}` : 'same')
    const good = !error && differing.length === 0
    rows.push({ name, good })
    console.log(
      `${name.padEnd(52)}${(version ?? '').padEnd(18)}${verdict.replace(/\s+/g, ' ').slice(0, 300)}`,
    )
  }
  for await (const row of runtimes(wanted)) add(row)
  for await (const row of next(wanted)) add(row)
  if (!flags.has('--no-browsers'))
    for await (const row of browsers(wanted, flags.has('--installed'))) add(row)
  else console.log('browsers: left out')
  for await (const row of packages(wanted)) add(row)
  if (rows.length === 0) throw new Failure(`no row is called ${words.join(' or ')}`)
  if (expected)
    console.log(
      `\nanswers: ${Object.entries(expected)
        .map(pair => pair.join(' '))
        .join(', ')}`,
    )
  const counts = {
    passed: rows.filter(({ good }) => good).length,
    failed: rows.filter(({ good }) => !good).length,
  }
  record('matrix', counts)
  console.log(closing(counts))
  return counts.failed > 0 ? 1 : 0
})
