import { join } from 'node:path'
import { build } from './setup/build.mjs'
import { main, root, run } from './setup/run.mjs'

/** Milliseconds from before `import` to the end of each part, in a process of its own. What Node takes to start is not ours, nor its own modules. */
const program = `
  import { readFileSync } from 'node:fs'
  const before = process.cpuUsage()
  const start = performance.now()
  const { loadModelSync } = await import(${JSON.stringify(join(root, 'dist/keras.js'))})
  const imported = performance.now()
  const model = loadModelSync(readFileSync(${JSON.stringify(join(root, 'examples/spoken-digits/model/digits.keras'))}))
  const loaded = performance.now()
  model.predict(new Float32Array(20 * 32))
  const end = performance.now()
  const { user, system } = process.cpuUsage(before)
  const times = { import: imported - start, load: loaded - imported, predict: end - loaded, all: end - start }
  console.log(JSON.stringify({ ...times, 'all, CPU': (user + system) / 1000 }))
`

const median = values => values.sort((a, b) => a - b)[values.length >> 1]

/** How long it takes to the first prediction of the example's model, `.keras` parsing included: medians of fresh processes. */
await main(async args => {
  await build()
  const runs = []
  for (let i = 0; i < 25; i++) {
    const options = { stdio: ['ignore', 'pipe', 2] }
    runs.push(JSON.parse(await run(process.execPath, ['--input-type=module', '-e', program], options)))
  }
  const times = Object.fromEntries(
    Object.keys(runs[0]).map(part => [part, median(runs.map(each => each[part]))]),
  )
  if (args.includes('--json')) console.log(JSON.stringify({ node: process.versions.node, ...times }))
  else {
    console.log(`Node ${process.versions.node}, medians of ${runs.length} processes, milliseconds`)
    for (const [part, time] of Object.entries(times)) console.log(`${part.padEnd(10)}${time.toFixed(1)}`)
  }
})
