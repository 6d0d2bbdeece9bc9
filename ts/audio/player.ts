/** A model that plays: samples in, samples out, in quanta of any length. Nothing is allocated while it plays. */
import type { Floats } from '../tensor/shape.js'
import { checkMessage } from './check.js'
import type { ModelMessage } from './message.js'
import { Restored, type Run } from './snapshot.js'

/** The samples of each channel. */
export type Channels = readonly Float32Array[]

/** Silences the channels from `first` on. */
function silence(output: Channels, first: number): void {
  for (let c = first; c < output.length; c++) output[c]!.fill(0)
}

export abstract class Player {
  protected readonly channels: number
  readonly #stream: Restored
  /** The run of a single step, and of a whole quantum where the model gives all of its steps. */
  protected readonly single: Run
  protected readonly block: Run | undefined
  /** Numbers that the model gives for a step of one channel. */
  protected readonly width: number
  /** The last run since it started. */
  #ran: Run | undefined

  protected constructor(message: ModelMessage) {
    this.channels = message.channels
    this.#stream = new Restored(message)
    const [single, block] = this.#stream.runs
    this.single = single!
    this.block = block
    this.width = single!.output.length / this.channels
  }

  /** Makes a part of what has to be made before it can play; whether that was the last. */
  load(): boolean {
    return this.#stream.load()
  }

  /** Plays one quantum; `output` has as many samples as `input`. A channel that is not there is silent. */
  abstract play(input: Channels, output: Channels): void

  protected run(run: Run): void {
    run.run()
    this.#ran = run
  }

  /** What the model gave for the last step, channel by channel; zeros before the first. */
  get last(): Floats {
    const { width, channels } = this
    const last = new Float32Array(channels * width)
    if (!this.#ran) return last
    const { output, steps } = this.#ran
    for (let c = 0; c < channels; c++) {
      const end = (c + 1) * steps * width
      last.set(output.subarray(end - width, end), c * width)
    }
    return last
  }

  /** Starts anew. */
  reset(): void {
    this.#stream.reset()
    this.#ran = undefined
  }

  /** @throws {ArgumentError} for what is not as `modelMessage` makes it; {EngineError} for what another version has made */
  static of(message: ModelMessage): Player {
    checkMessage(message)
    return message.hop === 0 ? new SamplePlayer(message) : new FramePlayer(message)
  }
}

/** How many samples a quantum has: nodes may have no inputs, or no outputs. */
export const samplesOf = (input: Channels, output: Channels): number => (output[0] ?? input[0])?.length ?? 0

/** Written so that engines keep the number unboxed: `input[c]?.[i] ?? 0` costs 16 bytes a sample. */
export function sample(input: Channels, c: number, i: number): number {
  const samples = input[c]
  return samples === undefined || i >= samples.length ? 0 : samples[i]!
}

/** A step for each sample, a quantum in one run where it has the usual length. */
class SamplePlayer extends Player {
  constructor(message: ModelMessage) {
    super(message)
  }

  play(input: Channels, output: Channels): void {
    const n = samplesOf(input, output)
    const { block, single } = this
    let from = 0
    if (block) for (; from + block.steps <= n; from += block.steps) this.#play(block, input, output, from)
    for (; from < n; from++) this.#play(single, input, output, from)
    silence(output, this.channels)
  }

  #play(run: Run, input: Channels, output: Channels, from: number): void {
    const { channels } = this
    const { steps } = run
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < steps; i++) run.input[c * steps + i] = sample(input, c, from + i)
    }
    this.run(run)
    for (let c = 0; c < channels && c < output.length; c++) {
      const samples = output[c]!
      for (let i = 0; i < steps; i++) samples[from + i] = run.output[c * steps + i]!
    }
  }
}

/** A step for each frame of the last `window` samples, `hop` samples apart. The output is `hop - 1` samples late, `window - 1` where outputs are added. */
class FramePlayer extends Player {
  readonly #hop: number
  readonly #window: number
  /** The last samples, and sums of outputs that are still to be played; a ring for each channel. */
  readonly #past: Float32Array
  readonly #sums: Float32Array
  readonly #room: number
  #at = 0
  #filled = 0

  constructor(message: ModelMessage) {
    super(message)
    const { channels, hop, window } = message
    this.#hop = hop
    this.#window = window
    this.#room = window + hop
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
    const sounds = this.width === hop || this.width === this.#window
    const n = samplesOf(input, output)
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
    silence(output, channels)
  }

  /** The frame that ends here; its output begins where its last `hop` samples do. */
  #step(sounds: boolean): void {
    const room = this.#room
    const window = this.#window
    const width = this.width
    for (let c = 0; c < this.channels; c++) {
      for (let j = 0; j < window; j++)
        this.single.input[c * window + j] = this.#past[c * room + ((this.#at + room - window + j) % room)]!
    }
    this.run(this.single)
    if (!sounds) return
    for (let c = 0; c < this.channels; c++) {
      for (let j = 0; j < width; j++) {
        const place = c * room + ((this.#at + room - this.#hop + j) % room)
        this.#sums[place] = this.#sums[place]! + this.single.output[c * width + j]!
      }
    }
  }
}
