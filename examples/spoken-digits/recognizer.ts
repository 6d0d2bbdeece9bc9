/** The spoken-digits model around a stream: a clip goes in, the ten probabilities after every frame come out. */
import { readFileSync } from 'node:fs'
import type { Model, Stream } from 'layer-rnn'
import { loadModelSync } from 'layer-rnn/keras'
import { type FeatureConstants, LogMel } from './features.js'
import { readWav, resample } from './wav.js'

/** Compiled, this file is in build/examples; the model stays in the sources. */
const folder = new URL('../../../examples/spoken-digits/', import.meta.url)

/** A file of this example, `model/digits.keras` for one. */
export const file = (path: string): URL => new URL(path, folder)

/** What the model made of a clip. */
export interface Recognition {
  /** Most probable digit after the last frame. */
  digit: number
  /** [frames][10], after every frame. */
  steps: number[][]
  /** Seconds. */
  duration: number
  /** Loudness of every frame, root mean square. */
  loudness: number[]
  /** µs of one step: the clip's steps together, the median of several rounds. */
  stepMicros: number
  /** µs of `predict` on the whole clip. */
  sequenceMicros: number
}

/** Times that a clip is run before and while it is measured: short loops tell little of a compiled program. */
const warmUps = 3
const rounds = 15

export class Recognizer {
  readonly features: LogMel
  readonly #model: Model
  readonly #stream: Stream

  constructor() {
    const constants = JSON.parse(readFileSync(file('model/features.json'), 'utf8')) as FeatureConstants
    this.features = new LogMel(constants)
    this.#model = loadModelSync(readFileSync(file('model/digits.keras')))
    this.#stream = this.#model.stream()
  }

  /** Seconds of sound that a step stands for. */
  get stepSeconds(): number {
    return this.features.constants.hop / this.features.constants.sampleRate
  }

  /** Samples at the model's rate, from the bytes of any WAV. */
  read(wav: Uint8Array): Float64Array {
    const { sampleRate, samples } = readWav(wav)
    return resample(samples, sampleRate, this.features.constants.sampleRate)
  }

  /** Streams a clip frame by frame, and predicts it as a whole. */
  recognize(samples: Float64Array): Recognition {
    const { sampleRate, frame, hop } = this.features.constants
    const frames = this.features.clip(samples)
    const steps = this.stream(frames).map(step => Array.from(step))
    const last = steps.at(-1)!
    const split = this.#split(frames)
    for (let i = 0; i < warmUps; i++) this.#measureSteps(split)
    const times = Array.from({ length: rounds }, () => this.#measureSteps(split))
    const whole = Array.from({ length: rounds }, () => {
      const start = performance.now()
      this.#model.predict(frames)
      return (performance.now() - start) * 1000
    })
    return {
      digit: last.indexOf(Math.max(...last)),
      steps,
      duration: samples.length / sampleRate,
      loudness: Array.from({ length: steps.length }, (_, i) =>
        rms(samples.subarray(i * hop, i * hop + frame)),
      ),
      stepMicros: median(times),
      sequenceMicros: median(whole),
    }
  }

  /** The probabilities after every frame of [frames, bands]. */
  stream(frames: Float32Array): Float32Array[] {
    this.#stream.resetStates()
    return this.#split(frames).map(frame => Float32Array.from(this.#stream.step(frame) as Float32Array))
  }

  #split(frames: Float32Array): Float32Array[] {
    const { bands } = this.features.constants
    return Array.from({ length: frames.length / bands }, (_, i) =>
      frames.subarray(i * bands, (i + 1) * bands),
    )
  }

  /** µs a step, over the whole clip once. */
  #measureSteps(frames: readonly Float32Array[]): number {
    const out = new Float32Array(10)
    this.#stream.resetStates()
    const start = performance.now()
    for (const frame of frames) this.#stream.step(frame, out)
    return ((performance.now() - start) * 1000) / frames.length
  }
}

function rms(samples: Float64Array): number {
  let sum = 0
  for (const sample of samples) sum += sample * sample
  return Math.sqrt(sum / Math.max(samples.length, 1))
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? 0
}
