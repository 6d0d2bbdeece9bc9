/** The example's own parts: features against those that Python computed, WAV reading, and the commands as a user runs them. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type FeatureConstants, LogMel } from '../../examples/spoken-digits/features.js'
import { readWav, resample } from '../../examples/spoken-digits/wav.js'

const folder = 'examples/spoken-digits'
const read = (path: string) => readFileSync(`${folder}/${path}`)
const json = <T>(path: string) => JSON.parse(read(path).toString()) as T

const features = new LogMel(json<FeatureConstants>('model/features.json'))
const { bands } = features.constants

const close = (actual: Float32Array, expected: readonly number[]) => {
  assert.is(actual.length, expected.length)
  for (const [i, x] of expected.entries()) assert.ok(Math.abs(actual[i]! - x) <= 1e-5, `${actual[i]} ${x}`)
}

test('features are those of Python, of whole clips and of a stream', () => {
  const check = json<{ clip: string; frames: number; rows: Record<string, number[]>; ramp: number[] }>(
    'model/features_check.json',
  )
  const { samples } = readWav(read(`clips/${check.clip}`))
  const clip = features.clip(samples)
  assert.is(clip.length, check.frames * bands)
  for (const [row, expected] of Object.entries(check.rows)) {
    close(clip.subarray(Number(row) * bands, (Number(row) + 1) * bands), expected)
  }
  close(features.clip(Float64Array.from({ length: 100 }, (_, i) => i / 200)), check.ramp)

  const stream = features.stream()
  const frames: Float32Array[] = []
  for (let at = 0, n = 1; at < samples.length; at += n, n = (n * 7) % 301) {
    frames.push(...stream.push(samples.subarray(at, at + n)))
  }
  frames.push(...stream.end())
  assert.equal(Float32Array.from(frames.flatMap(frame => [...frame])), clip)
})

/** A WAV of `channels` equal sines. */
function wav(rate: number, bits: 8 | 16, channels: number, seconds: number): Uint8Array {
  const count = Math.round(rate * seconds)
  const bytes = Buffer.alloc(44 + (count * channels * bits) / 8)
  bytes.write('RIFF', 0)
  bytes.writeUInt32LE(bytes.length - 8, 4)
  bytes.write('WAVEfmt ', 8)
  bytes.writeUInt32LE(16, 16)
  bytes.writeUInt16LE(1, 20)
  bytes.writeUInt16LE(channels, 22)
  bytes.writeUInt32LE(rate, 24)
  bytes.writeUInt32LE((rate * channels * bits) / 8, 28)
  bytes.writeUInt16LE((channels * bits) / 8, 32)
  bytes.writeUInt16LE(bits, 34)
  bytes.write('data', 36)
  bytes.writeUInt32LE(bytes.length - 44, 40)
  for (let i = 0; i < count * channels; i++) {
    const x = 0.5 * Math.sin((2 * Math.PI * 440 * Math.floor(i / channels)) / rate)
    if (bits === 8) bytes[44 + i] = Math.round(128 + 127 * x)
    else bytes.writeInt16LE(Math.round(32767 * x), 44 + 2 * i)
  }
  return bytes
}

test('WAV: sizes of samples, channels and rates give the same sound', () => {
  const sine = (i: number) => 0.5 * Math.sin((2 * Math.PI * 440 * i) / 8000)
  for (const [rate, bits, channels, error] of [
    [8000, 16, 1, 1e-4],
    [8000, 8, 2, 1e-2],
    [44100, 16, 2, 2e-4],
  ] as const) {
    const { sampleRate, samples } = readWav(wav(rate, bits, channels, 0.25))
    const sound = resample(samples, sampleRate, 8000)
    assert.is(sound.length, 2000)
    for (let i = 200; i < 1800; i++) assert.ok(Math.abs(sound[i]! - sine(i)) < error, `${rate} ${bits} ${i}`)
  }
})

/** Without the runner's wishes for colours, about which Node would have something to say on stderr. */
const { NO_COLOR: _, FORCE_COLOR: __, ...env } = process.env

const command = (name: string, ...args: string[]) =>
  spawnSync(process.execPath, [`build/examples/spoken-digits/${name}.js`, ...args], { encoding: 'utf8', env })

const start = (...args: string[]) => command('main', ...args)

interface Line {
  clips: {
    file: string
    digit: number
    probabilities: number[]
    maxAbsDiff?: number
    stepMicros: number
    sequenceMicros: number
  }[]
}

test('the shipped clips are recognized and equal Keras after every frame', () => {
  const { status, stdout } = start('--json')
  assert.is(status, 0)
  assert.is(stdout.trim().split('\n').length, 1)
  const { clips } = JSON.parse(stdout) as Line
  assert.equal(
    clips.map(clip => clip.digit),
    json<{ clips: { digit: number }[] }>('model/reference.json').clips.map(clip => clip.digit),
  )
  for (const clip of clips) {
    assert.ok(clip.maxAbsDiff! <= 1e-5)
    assert.is(clip.probabilities.length, 10)
    assert.ok(clip.stepMicros > 0 && clip.sequenceMicros > 0)
  }
})

test('files of the user: what is no WAV gets a sentence, the others are done', () => {
  const temporary = mkdtempSync(join(tmpdir(), 'digits-'))
  try {
    const empty = join(temporary, 'empty.wav')
    const text = join(temporary, 'text.wav')
    writeFileSync(empty, '')
    writeFileSync(text, 'hello')
    const { status, stdout, stderr } = start(
      '--json',
      empty,
      `${folder}/clips/three.wav`,
      text,
      'nowhere.wav',
    )
    assert.is(status, 1)
    const { clips } = JSON.parse(stdout) as Line
    assert.equal(
      clips.map(({ digit, maxAbsDiff }) => ({ digit, maxAbsDiff })),
      [{ digit: 3, maxAbsDiff: undefined }],
    )
    const lines = stderr.trim().split('\n')
    assert.is(lines.length, 3)
    assert.match(lines[0]!, 'empty')
    assert.match(lines[1]!, 'not a WAV file')
    assert.match(lines[2]!, 'no such file')
  } finally {
    rmSync(temporary, { recursive: true })
  }
})

test('the picture is plain text where there is no terminal', () => {
  const { status, stdout } = start(`${folder}/clips/seven.wav`)
  assert.is(status, 0)
  assert.match(stdout, '→ 7')
  assert.not.match(stdout, '\x1b')
  assert.is(start('--nonsense').status, 1)
  assert.match(start('--help').stdout, '--json')
})

test('evaluation counts by speaker', () => {
  const temporary = mkdtempSync(join(tmpdir(), 'digits-'))
  try {
    writeFileSync(join(temporary, '3_robot_5.wav'), read('clips/three.wav'))
    writeFileSync(join(temporary, '4_robot_6.wav'), read('clips/three.wav'))
    writeFileSync(join(temporary, '5_robot_20.wav'), read('clips/five.wav'))
    const evaluate = (...args: string[]) => command('evaluate', '--data', temporary, ...args)
    assert.match(evaluate().stdout, '2 of 3 right')
    const { right, clips } = JSON.parse(evaluate('--json', '--indices', '5-9').stdout)
    assert.equal([right, clips], [1, 2])
  } finally {
    rmSync(temporary, { recursive: true })
  }
})

test.run()
