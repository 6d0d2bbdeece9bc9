import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from './setup/build.mjs'
import { Failure, main, root } from './setup/run.mjs'
import { closing, record } from './tally.mjs'

const usage = `npm run fuzz -- [--seed N] [--count N] [--seconds N] [boundary|keras|rows]

Random calls of the WebAssembly, mutated model files, mutated bytes of saved rows: whatever comes, the answer is a result or a typed
error, and the engine works on. Default: a minute in all. What fails says the seed and the number that bring it back.`

/** xorshift32: `random(n)` is an integer below n. */
function generator(seed) {
  let state = seed >>> 0 || 1
  return below => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

const load = path => import(join(root, path))

/** Each target: `prepare` gives a function that makes one attempt from a random generator. */
const targets = {
  async boundary() {
    const { getModule } = await load('dist/index.js')
    const { instantiate } = await load('build/ts/engine/instance.js')
    let exports
    let names
    let ids = []
    const start = () => {
      exports = instantiate(getModule())
      exports.engine_start(1 << 22)
      names = Object.keys(exports).filter(
        name => typeof exports[name] === 'function' && !/^__|^engine_start$/.test(name),
      )
      ids = []
    }
    start()
    let calls = 0
    return random => {
      if (++calls % 5000 === 0) start()
      const number = () => {
        const kind = random(8)
        if (kind < 3) return random(12)
        if (kind < 6 && ids.length > 0) return ids[random(ids.length)]
        return [0, 1, 64, 1024, 0x7fffffff, 0x80000000, 0xffffffff, random(2 ** 31)][random(8)]
      }
      const words = new Uint32Array(exports.memory.buffer, exports.boundary_pointer() >>> 0, 64)
      for (let i = 0; i < 24; i++) words[i] = number()
      const name = names[random(names.length)]
      const args = Array.from({ length: exports[name].length }, number)
      if (name === 'boundary_reserve') args[0] %= 1 << 16
      if (name === 'engine_stat') args[0] %= 4 // an enum of the glue, which refuses others itself
      const answer = exports[name](...args)
      if (/_(new|finish|bind)$/.test(name) && answer !== 0) ids.push(answer >>> 0)
      if (ids.length > 64) ids.shift()
    }
  },

  async keras() {
    const { LayerRnnError, currentEngine } = await load('dist/index.js')
    const { loadModelSync } = await load('dist/keras.js')
    const folder = join(root, 'test/fixtures/models')
    const files = readdirSync(folder)
      .filter(name => name.endsWith('.keras'))
      .map(name => readFileSync(join(folder, name)))
    return random => {
      const bytes = Uint8Array.from(files[random(files.length)])
      for (let left = 1 + random(8); left > 0; left--) bytes[random(bytes.length)] ^= 1 << random(8)
      const given = random(4) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes
      try {
        loadModelSync(given).dispose()
      } catch (error) {
        if (!(error instanceof LayerRnnError)) throw error
      }
      if (currentEngine().failed) throw new Error('the engine has failed')
    }
  },

  async rows() {
    const { Dense, LayerRnnError, LSTM, Sequential } = await load('dist/index.js')
    const model = new Sequential([new LSTM({ units: 6, inputShape: [null, 3] }), new Dense({ units: 2 })])
    const stream = model.stream({ batch: 2 })
    stream.step(new Float32Array(6).fill(0.5))
    const saved = stream.saveRow(1)
    return random => {
      const bytes = Uint8Array.from(saved)
      for (let left = 1 + random(4); left > 0; left--) bytes[random(bytes.length)] = random(256)
      const given = random(4) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes
      const same = given.length === saved.length && given.every((byte, i) => byte === saved[i])
      try {
        stream.loadRow(1, given)
        if (!same) throw new Error('damaged bytes were taken')
      } catch (error) {
        if (!(error instanceof LayerRnnError)) throw error
      }
      if (random(100) === 0 && stream.saveRow(1).some((byte, i) => byte !== saved[i]))
        throw new Error('a refused row has changed')
    }
  },
}

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
  const unknown = args.find(name => !(name in targets))
  if (unknown) {
    console.log(usage)
    return unknown === '--help' ? 0 : 1
  }
  await build()
  const names = args.length > 0 ? args : Object.keys(targets)
  const counts = { passed: 0, failed: 0 }
  for (const name of names) {
    const attempt = await targets[name]()
    const end = Date.now() + (1000 * seconds) / names.length
    let done = 0
    try {
      for (; done < count && Date.now() < end; done++) attempt(generator(seed + 0x9e3779b9 * done))
      counts.passed++
      console.log(`${name.padEnd(10)}${done} attempts, seed ${seed}`)
    } catch (error) {
      counts.failed++
      console.error(
        `${name}: attempt ${done} of seed ${seed} (--seed ${seed} --count ${done + 1}): ${error.stack}`,
      )
    }
  }
  record('fuzz', counts)
  console.log(closing(counts))
  return counts.failed > 0 ? 1 : 0
})
