import { arithmetic } from './check/arithmetic.mjs'
import { consumer } from './check/consumer.mjs'
import { lengths } from './check/lengths.mjs'
import { samples } from './check/samples.mjs'
import { build } from './setup/build.mjs'
import { Failure, main, run } from './setup/run.mjs'
import { needComponents, needRust } from './setup/tools.mjs'
import { closing, record, sum } from './tally.mjs'

const command = (name, ...args) => run(name, args)

/** Everything that is checked beside the tests, by name: `npm run check -- lengths samples` runs some of them. */
const checks = {
  format: () => command('biome', 'ci', '.'),
  rustfmt: () => command('cargo', 'fmt', '--all', '--check'),
  clippy: () => command('cargo', 'clippy', '--workspace', '--all-targets', '--quiet', '--', '-D', 'warnings'),
  lengths,
  arithmetic,
  samples,
  consumer,
}

await main(async names => {
  const unknown = names.find(name => !(name in checks))
  if (unknown) throw new Failure(`no check is called ${unknown}; there are ${Object.keys(checks).join(', ')}`)
  needRust()
  await build()
  await needComponents()
  const counts = []
  for (const name of names.length > 0 ? names : Object.keys(checks)) {
    const { passed, complaints } = await attempt(checks[name])
    for (const complaint of complaints) console.error(`${name}: ${complaint}`)
    const count = { passed, failed: complaints.length }
    console.log(`${name.padEnd(12)}${closing(count)}`)
    record(name, count)
    counts.push(count)
  }
  console.log(closing(sum(counts)))
  return sum(counts).failed > 0 ? 1 : 0
})

async function attempt(check) {
  try {
    const result = await check()
    return typeof result === 'object' ? result : { passed: 1, complaints: [] }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { passed: 0, complaints: [error.message] }
  }
}
