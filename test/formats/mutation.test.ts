/** Damaged `.keras` files, seeded: each either loads or is refused with a typed error, in bounded time, with no handle left. */
import { unzipSync, zipSync } from 'fflate'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/index.js'
import { loadModelSync } from '../../ts/entry/keras.js'
import { LayerRnnError } from '../../ts/errors.js'
import { milliseconds } from '../support/time.js'
import { handles, modelFile } from './files.js'

/** Files that each attack tries; `npm run fuzz` tries more, and others. */
const attempts = 300

/** Deterministic numbers below `bound` (a linear congruential generator). */
function generator(seed: number): (bound: number) => number {
  let state = seed
  return bound => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * bound)
  }
}

type Mutation = (bytes: Uint8Array, random: (bound: number) => number) => Uint8Array

const mutations: Record<string, Mutation> = {
  cut: (bytes, random) => bytes.subarray(0, random(bytes.length)),
  flip: (bytes, random) => {
    for (let n = 1 + random(3); n > 0; n--) bytes[random(bytes.length)]! ^= 1 << random(8)
    return bytes
  },
  byte: (bytes, random) => {
    bytes[random(bytes.length)] = [0, 1, 0x7f, 0x80, 0xfe, 0xff][random(6)]!
    return bytes
  },
  zeros: (bytes, random) => bytes.fill(0, ...run(bytes, random)),
  ones: (bytes, random) => bytes.fill(0xff, ...run(bytes, random)),
  swap: (bytes, random) => {
    const [from, to] = run(bytes, random)
    const part = bytes.slice(from, to)
    const target = random(bytes.length - part.length)
    bytes.copyWithin(from, target, target + part.length)
    bytes.set(part, target)
    return bytes
  },
}

function run(bytes: Uint8Array, random: (bound: number) => number): [number, number] {
  const from = random(bytes.length)
  return [from, Math.min(bytes.length, from + 1 + random(64))]
}

/** Loads one damaged file and judges the outcome. */
function judge(bytes: Uint8Array, what: string): 'loaded' | 'refused' {
  const before = handles()
  let outcome: 'loaded' | 'refused' = 'loaded'
  try {
    loadModelSync(bytes).dispose()
  } catch (error) {
    outcome = 'refused'
    if (!(error instanceof LayerRnnError)) {
      throw new Error(`${what}: ${error instanceof Error ? error.stack : error}`)
    }
    assert.ok(['import', 'unsupported', 'memory'].includes(error.code), `${what}: ${error}`)
  }
  assert.equal(handles(), before, `${what}: live handles`)
  return outcome
}

function attack(name: string, damage: (random: (bound: number) => number) => [string, Uint8Array]): void {
  test(name, () => {
    const random = generator(name.length + 7)
    const counts = { loaded: 0, refused: 0 }
    for (let i = 0; i < attempts; i++) {
      const [kind, bytes] = damage(random)
      const start = process.cpuUsage()
      counts[judge(bytes, `${name} ${i} (${kind})`)]++
      const spent = milliseconds(start)
      assert.ok(spent < 1000, `${name} ${i} (${kind}) took ${spent} ms`)
    }
    assert.ok(counts.refused > 20, `${counts.refused} refused`)
  })
}

const kinds = Object.keys(mutations)
const models = ['masking_keras3', 'seq2seq_keras2', 'cells_keras2', 'single_keras3']

attack('bytes of the archive', random => {
  const kind = kinds[random(kinds.length)]!
  return [kind, mutations[kind]!(modelFile(models[random(models.length)]!), random)]
})

// A damaged member with a sound archive around it: the checksum would hide the readers behind it.
for (const member of ['model.weights.h5', 'config.json', 'metadata.json']) {
  const archives = models.map(model => unzipSync(modelFile(model)))
  attack(`${member} in a sound archive`, random => {
    const kind = kinds[random(kinds.length)]!
    const files: Record<string, Uint8Array> = { ...archives[random(archives.length)] }
    files[member] = mutations[kind]!(files[member]!.slice(), random)
    return [kind, zipSync(files, { level: 0 })]
  })
}

attack('structures of the HDF5', random => {
  const files = { ...unzipSync(modelFile(models[random(models.length)]!)) }
  const bytes = files['model.weights.h5']!.slice()
  const view = new DataView(bytes.buffer)
  // Only the aligned words of the structures matter; numbers of the weights are mostly elsewhere.
  const word = 8 * random(bytes.length / 8)
  const other = 8 * random(bytes.length / 8)
  const values = [
    0n,
    1n,
    8n,
    96n,
    BigInt(other),
    BigInt(bytes.length),
    BigInt(bytes.length - 8),
    2n ** 31n,
    2n ** 53n,
    2n ** 64n - 1n,
  ]
  view.setBigUint64(
    word,
    random(3) === 0 ? view.getBigUint64(other, true) : values[random(values.length)]!,
    true,
  )
  files['model.weights.h5'] = bytes
  return ['word', zipSync(files, { level: 0 })]
})

attack('values of the config', random => {
  const files = { ...unzipSync(modelFile(models[random(models.length)]!)) }
  const config = JSON.parse(new TextDecoder().decode(files['config.json']))
  const places: [Record<string, unknown>, string][] = []
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    for (const key of Object.keys(value)) {
      places.push([value as Record<string, unknown>, key])
      visit((value as Record<string, unknown>)[key])
    }
  }
  visit(config)
  const [holder, key] = places[random(places.length)]!
  const [giver, other] = places[random(places.length)]!
  const values = [
    null,
    true,
    -1,
    0,
    0.5,
    1e9,
    1e300,
    '',
    'x',
    [],
    {},
    [[]],
    { class_name: 'LSTM', config: {} },
    structuredClone(giver[other]),
  ]
  holder[key] = values[random(values.length)]
  files['config.json'] = new TextEncoder().encode(JSON.stringify(config))
  return [`${key}: ${JSON.stringify(holder[key])?.slice(0, 60)}`, zipSync(files, { level: 0 })]
})

test.run()
