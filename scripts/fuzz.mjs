import { Worker } from 'node:worker_threads'
import { build } from './setup/build.mjs'
import { Failure, main } from './setup/run.mjs'
import { closing, record } from './tally.mjs'

const targets = ['boundary', 'keras', 'rows']

const usage = `npm run fuzz -- [--seed N] [--count N] [--seconds N] [${targets.join('|')}]

Calls of the WebAssembly as the package makes them, with some words changed; damaged model files; damaged bytes of saved rows. Whatever
comes, the answer is a result or a typed error, in time, and what was refused has changed nothing. Enough of it must be taken to reach what
is behind the first checks. Default: a minute in all. --count is the number of attempts on each target; an attempt on the boundary is a
replay with about five changed calls, so that 200000 are a million. What fails says the seed and the number that bring it back.`

/** Milliseconds after which an attempt hangs. */
const patience = 20_000

await main(async args => {
  const option = name => {
    const at = args.indexOf(`--${name}`)
    if (at < 0) return undefined
    const value = Number(args[at + 1])
    if (!Number.isFinite(value)) throw new Failure(`--${name} wants a number`)
    args.splice(at, 2)
    return value
  }
  const seed = option('seed') ?? Date.now() % 2 ** 31
  const count = option('count') ?? Number.POSITIVE_INFINITY
  const seconds = option('seconds') ?? (count < Number.POSITIVE_INFINITY ? Number.POSITIVE_INFINITY : 60)
  const unknown = args.find(name => !targets.includes(name))
  if (unknown) {
    console.log(usage)
    return unknown === '--help' ? 0 : 1
  }
  await build()
  const names = args.length > 0 ? args : targets
  const counts = { passed: 0, failed: 0 }
  const fail = (name, done, text) => {
    counts.failed++
    console.error(
      `${name}: attempt ${done} of seed ${seed} (--seed ${seed} --count ${done + 1} ${name}): ${text}`,
    )
  }
  await run({ names, seed, count, seconds }, fail, ({ name, done, error, lines, low }) => {
    console.log(`${name}: ${done} attempts, seed ${seed}\n${lines.join('\n')}`)
    if (error) return fail(name, done, error)
    if (low.length > 0) return fail(name, done - 1, `too little of it is taken: ${low.join(', ')}`)
    counts.passed++
  })
  record('fuzz', counts)
  console.log(closing(counts))
  return counts.failed > 0 ? 1 : 0
})

/** Runs the targets in a thread that can be ended when it hangs. */
async function run(options, fail, report) {
  const progress = new SharedArrayBuffer(4)
  const attempts = new Int32Array(progress)
  const worker = new Worker(new URL('./fuzz/worker.mjs', import.meta.url), {
    workerData: { ...options, progress },
  })
  let [target, last, since] = ['', -1, Date.now()]
  const watch = setInterval(() => {
    if (attempts[0] !== last) {
      last = attempts[0]
      since = Date.now()
    } else if (Date.now() - since > patience) {
      fail(target, last, `no end after ${patience / 1000} s`)
      worker.terminate()
    }
  }, 1000)
  worker.on('message', message => {
    target = message.name
    since = Date.now()
    if (message.lines) report(message)
  })
  try {
    await new Promise((resolve, reject) => {
      worker.on('error', reject)
      worker.on('exit', resolve)
    })
  } finally {
    clearInterval(watch)
  }
}
