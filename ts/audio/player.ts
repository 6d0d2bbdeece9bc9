/** A model that plays: samples in, samples out, in quanta of any length. Nothing is allocated while it plays. */
import type { Model } from '../models/model.js'
import type { Stream } from '../models/stream.js'
import { type ModelMessage, modelOf } from './message.js'

/** The samples of each channel. */
export type Channels = readonly Float32Array[]

/** Steps that are run before a model is played, so that it is compiled and its weights are packed. */
const warmSteps = 64

export abstract class Player {
  protected readonly model: Model
  protected readonly stream: Stream
  protected readonly channels: number

  protected constructor(model: Model, channels: number) {
    this.model = model
    this.channels = channels
    this.stream = model.stream({ batch: channels }) as Stream
  }

  /** Plays one quantum; `output` has as many samples as `input`. A channel that is not there is silent. */
  abstract play(input: Channels, output: Channels): void

  /** The last output of the model. */
  get last(): Float32Array {
    return (this.stream.output as Float32Array).slice()
  }

  /** Starts anew. */
  reset(): void {
    this.stream.resetStates()
  }

  dispose(): void {
    this.stream.dispose()
    this.model.dispose()
  }

  /** The player of a message, warm: it plays silence of this length and starts anew. */
  static of(message: ModelMessage, quantum = 128): Player {
    const model = modelOf(message)
    try {
      const player = message.hop === 0 ? new SamplePlayer(model, message) : new FramePlayer(model, message)
      const silence = Array.from({ length: message.channels }, () => new Float32Array(quantum))
      const rounds = message.hop === 0 ? 2 : Math.ceil((warmSteps * message.hop) / quantum)
      for (let i = 0; i < rounds; i++) player.play(silence, silence)
      player.reset()
      for (const channel of silence) channel.fill(0)
      return player
    } catch (error) {
      model.dispose()
      throw error
    }
  }
}

/** Written so that engines keep the number unboxed: `input[c]?.[i] ?? 0` costs 16 bytes a sample. */
function sample(input: Channels, c: number, i: number): number {
  const samples = input[c]
  return samples === undefined || i >= samples.length ? 0 : samples[i]!
}

/** A step for each sample, a quantum in one run. */
class SamplePlayer extends Player {
  /** Whether the model gives all steps; one that gives the last needs a run for each. */
  readonly #whole: boolean
  #in = new Float32Array(0)
  #out = new Float32Array(0)
  readonly #frame: Float32Array
  readonly #result: Float32Array

  constructor(model: Model, { channels }: ModelMessage) {
    super(model, channels)
    const { shape } = model.outputs as unknown as { shape: readonly (number | null)[] }
    this.#whole = shape.length === 3
    this.#frame = new Float32Array(channels)
    this.#result = new Float32Array(channels * (shape.at(-1) ?? 1))
  }

  play(input: Channels, output: Channels): void {
    const n = output[0]?.length ?? 0
    if (n === 0) return
    if (this.#whole) this.#block(input, output, n)
    else this.#singly(input, output, n)
  }

  #block(input: Channels, output: Channels, n: number): void {
    const { channels } = this
    if (this.#in.length !== channels * n) {
      this.#in = new Float32Array(channels * n)
      this.#out = new Float32Array((this.#result.length / channels) * this.#in.length)
    }
    const width = this.#out.length / this.#in.length
    for (let c = 0; c < channels; c++) {
      const samples = input[c]
      if (samples) this.#in.set(samples, c * n)
      else this.#in.fill(0, c * n, (c + 1) * n)
    }
    this.stream.steps(this.#in, this.#out)
    for (let c = 0; c < channels && c < output.length; c++) {
      const samples = output[c]!
      for (let i = 0; i < n; i++) samples[i] = this.#out[(c * n + i) * width]!
    }
  }

  #singly(input: Channels, output: Channels, n: number): void {
    const width = this.#result.length / this.channels
    for (let i = 0; i < n; i++) {
      for (let c = 0; c < this.channels; c++) this.#frame[c] = sample(input, c, i)
      this.stream.step(this.#frame, this.#result)
      for (let c = 0; c < this.channels && c < output.length; c++) output[c]![i] = this.#result[c * width]!
    }
  }
}

/** A step for each frame of the last `window` samples, `hop` samples apart. The output is `hop - 1` samples late. */
class FramePlayer extends Player {
  readonly #hop: number
  readonly #window: number
  /** Numbers that the model gives for a frame. */
  readonly #width: number
  readonly #frame: Float32Array
  readonly #result: Float32Array
  /** The last samples, and sums of outputs that are still to be played; a ring for each channel. */
  readonly #past: Float32Array
  readonly #sums: Float32Array
  readonly #room: number
  #at = 0
  #filled = 0

  constructor(model: Model, { channels, hop, window }: ModelMessage) {
    super(model, channels)
    const { shape } = model.outputs as unknown as { shape: readonly (number | null)[] }
    this.#hop = hop
    this.#window = window
    this.#width = shape.at(-1) ?? 0
    this.#room = window + hop
    this.#frame = new Float32Array(channels * window)
    this.#result = new Float32Array(channels * this.#width)
    this.#past = new Float32Array(channels * this.#room)
    this.#sums = new Float32Array(channels * this.#room)
  }

  override reset(): void {
    super.reset()
    this.#past.fill(0)
    this.#sums.fill(0)
    this.#at = 0
    this.#filled = 0
  }

  play(input: Channels, output: Channels): void {
    const { channels } = this
    const room = this.#room
    const hop = this.#hop
    const sounds = this.#width === hop || this.#width === this.#window
    const n = output[0]?.length ?? 0
    for (let i = 0; i < n; i++) {
      for (let c = 0; c < channels; c++) this.#past[c * room + this.#at] = sample(input, c, i)
      this.#at = (this.#at + 1) % room
      if (++this.#filled === hop) {
        this.#filled = 0
        this.#step(sounds)
      }
      const read = (this.#at + room - hop) % room
      for (let c = 0; c < channels && c < output.length; c++) {
        if (!sounds) output[c]![i] = sample(input, c, i)
        else {
          output[c]![i] = this.#sums[c * room + read]!
          this.#sums[c * room + read] = 0
        }
      }
    }
  }

  /** The frame that ends here; its output begins where its last `hop` samples do. */
  #step(sounds: boolean): void {
    const room = this.#room
    const window = this.#window
    const width = this.#width
    for (let c = 0; c < this.channels; c++) {
      for (let j = 0; j < window; j++)
        this.#frame[c * window + j] = this.#past[c * room + ((this.#at + room - window + j) % room)]!
    }
    this.stream.step(this.#frame, this.#result)
    if (!sounds) return
    for (let c = 0; c < this.channels; c++) {
      for (let j = 0; j < width; j++) {
        const place = c * room + ((this.#at + room - this.#hop + j) % room)
        this.#sums[place] = this.#sums[place]! + this.#result[c * width + j]!
      }
    }
  }
}
