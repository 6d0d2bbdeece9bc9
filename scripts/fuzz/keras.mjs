/** Model files of Keras, damaged where each of their readers looks: what loads also predicts, all else is refused by a typed error. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { unzipSync, zipSync } from 'fflate'
import { root } from '../setup/run.mjs'
import { damagedBytes, damagedJson } from './damage.mjs'
import { load } from './load.mjs'
import { percent, pick } from './random.mjs'
import { milliseconds } from './time.mjs'

/** Least shares of the attempts of a kind that come to what is behind the container, and that load. */
const least = { inside: 0.05, loaded: 0.002 }
const longest = 5000
/** Numbers that a prediction is given. */
const most = 10_000

const files = (folder, ending) =>
  readdirSync(join(root, 'test/fixtures', folder))
    .filter(name => name.endsWith(ending))
    .map(name => new Uint8Array(readFileSync(join(root, 'test/fixtures', folder, name))))

export async function keras() {
  await load('entry/index.js')
  const { createEngine } = await load('engine/engine.js')
  const { leaves } = await load('layers/structure.js')
  const { loadModelSync } = await load('entry/keras.js')
  const { LayerRnnError } = await load('errors.js')
  const { NdArray } = await load('tensor/ndarray.js')
  const engine = createEngine({ maxBytes: 1 << 26 })
  const archives = files('models', '.keras')
  const members = archives.map(bytes => unzipSync(bytes))
  const h5 = files('h5', '.h5')

  /** An archive that is sound, one of whose files is not. */
  const member = (name, damage) => random => {
    const all = { ...pick(random, members) }
    all[name] = damage(random, all[name])
    return zipSync(all, { level: 0 })
  }
  const kinds = {
    'bytes of archives': random => damagedBytes(random, pick(random, archives)),
    'weights in archives': member('model.weights.h5', damagedBytes),
    'values of config.json': member('config.json', damagedJson),
    'values of metadata.json': member('metadata.json', damagedJson),
    'bytes of config.json': member('config.json', damagedBytes),
    'bytes of .h5 files': random => damagedBytes(random, pick(random, h5)),
  }
  const tally = {}
  let slowest = 0

  /** Zeros of the sizes that a model says, for sizes that it leaves open 2. */
  const zeros = ({ shape, dtype }) => {
    const sizes = shape.map(size => size ?? 2)
    const count = sizes.reduce((a, b) => a * b, 1)
    if (count > most) return undefined
    return new NdArray(dtype === 'float32' ? new Float32Array(count) : new Int32Array(count), sizes)
  }

  function use(bytes) {
    const stages = []
    let model
    const attempted = (stage, fn) => {
      try {
        fn()
        stages.push(stage)
      } catch (error) {
        if (!(error instanceof LayerRnnError)) throw error
        stages.push(error)
      }
    }
    attempted('loaded', () => {
      model = loadModelSync(bytes)
    })
    if (!model) return stages
    const given = leaves(model.inputs).map(zeros)
    if (!given.includes(undefined)) {
      attempted('predicted', () => model.predict(given.length === 1 ? given[0] : given))
      if (model.streams) attempted('streamed', () => model.stream().dispose())
    }
    model.dispose()
    return stages
  }

  return {
    attempt(random) {
      const kind = pick(random, Object.keys(kinds))
      const bytes = kinds[kind](random)
      const before = process.cpuUsage()
      const stages = engine.use(() => use(bytes))
      const took = milliseconds(before)
      slowest = Math.max(slowest, took)
      if (took > longest) throw new Error(`${kind}: ${Math.round(took)} ms`)
      if (engine.failed) throw new Error(`${kind}: the engine has failed`)
      const { tensors, programs, calls } = engine.stats()
      if (tensors + programs + calls > 0)
        throw new Error(`${kind}: ${tensors} tensors, ${programs} programs, ${calls} calls are left`)
      tally[kind] ??= { attempts: 0, inside: 0, loaded: 0, predicted: 0, refused: 0 }
      const of = tally[kind]
      of.attempts++
      const [first, ...rest] = stages
      if (first === 'loaded') of.loaded++
      if (first === 'loaded' || !/zip|checksum|archive|unpack|neither a|cut off/.test(first.message))
        of.inside++
      of.predicted += rest.includes('predicted')
      of.refused += rest.some(stage => stage instanceof LayerRnnError)
    },

    report() {
      const lines = Object.entries(tally).map(
        ([kind, { attempts, inside, loaded, predicted, refused }]) =>
          `  ${kind.padEnd(25)}${String(attempts).padStart(7)}: ${percent(inside, attempts)} past the container, ${percent(loaded, attempts)} load, ${percent(predicted, attempts)} predict, ${percent(refused, attempts)} load and refuse data`,
      )
      const low = Object.entries(tally).filter(
        ([, { attempts, inside, loaded }]) =>
          attempts >= 200 && (inside < least.inside * attempts || loaded < least.loaded * attempts),
      )
      return { lines: [`slowest file ${slowest.toFixed(0)} ms`, ...lines], low: low.map(([kind]) => kind) }
    },
  }
}
