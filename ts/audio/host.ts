/** What an audio processor does: plays the newest model, leaves the sound as it is while there is none or time runs out. */
import { ArgumentError, LayerRnnError, type LayerRnnErrorCode, StateError, show } from '../errors.js'
import { type Field, field, rate, readOptions, required } from '../layers/options.js'
import type { Floats } from '../tensor/shape.js'
import type { ModelMessage } from './message.js'
import { type Channels, Player, sample, samplesOf } from './player.js'

export interface HostOptions {
  /** Samples in a second. */
  rate: number
  /** Milliseconds, from anywhere. Default: Date.now. */
  now?: () => number
  /** Share of the time that models may take, from 0 to 1. Default 0.8. */
  share?: number
  /** Takes what is to be told to the other side, errors and answers too. Default: nobody hears it. */
  tell?: (message: HostMessage) => void
}

/** What a processor tells: a model plays, something failed, time ran out, the answer to `{ type: 'read' }` or `{ type: 'stats' }`. */
export type HostMessage =
  | { type: 'ready'; milliseconds: number }
  | { type: 'error'; message: string; code: LayerRnnErrorCode }
  | { type: 'late'; late: number; bypassed: number }
  | { type: 'output'; output: Floats | undefined }
  | { type: 'stats'; late: number; bypassed: number; played: number }

/** What can be posted to a processor. */
export type Request = ModelMessage | { type: 'reset' | 'read' | 'stats' | 'stop' }

/** Quanta over which time is measured: clocks of audio threads tick in milliseconds. */
const stretch = 64
/** Stretches of which one is measured anyway. */
const seldom = 64

const callback = <F>(initial: F): Field<F> =>
  field(initial, 'a function', value => typeof value === 'function')

const fields = {
  rate: field<number>(
    required,
    'a positive number',
    value => Number.isFinite(value) && (value as number) > 0,
  ),
  now: callback(Date.now),
  share: rate(0.8),
  tell: callback<Required<HostOptions>['tell']>(() => {}),
}

export class Host {
  readonly #options: Required<HostOptions>
  #player: Player | undefined
  #next: Player | undefined
  /** When the next one came. */
  #since = 0
  #stopped = false
  /** Quanta that are still to be left as they are. */
  #rest = 0
  /** Whether the quanta of this stretch are timed: each reading of the clock allocates a number. */
  #timed = true
  #stretches = 0
  #began = 0
  #quanta = 0
  #spent = 0
  #due = 0
  #late = 0
  #bypassed = 0
  #played = 0

  /** @throws {ArgumentError} for options that it has not or that are not as they must be */
  constructor(options: HostOptions) {
    this.#options = readOptions('Host', fields, options) as unknown as Required<HostOptions>
  }

  /** Takes a message of the other side. A new model is copied in parts, quantum by quantum, while the old one is still to be heard. */
  take(request: Request): void {
    const { tell, now } = this.#options
    try {
      const type: unknown = (request as Request | undefined)?.type
      if (this.#stopped) throw new StateError(`${show(type)} came after the end`)
      if (type === 'model') {
        this.#next = Player.of(request as ModelMessage)
        this.#since = now()
        while (!this.#player && this.#next) this.#load() // nothing is heard that would wait
      } else if (type === 'reset') this.#player?.reset()
      else if (type === 'read') tell({ type: 'output', output: this.#player?.last })
      else if (type === 'stats') tell({ type: 'stats', ...this.stats })
      else if (type === 'stop') this.dispose()
      else throw new ArgumentError(`there is no request ${show(type)}`)
    } catch (error) {
      this.#tellError(error)
    }
  }

  /** Quanta that were late, left as they were, played. */
  get stats(): { late: number; bypassed: number; played: number } {
    return { late: this.#late, bypassed: this.#bypassed, played: this.#played }
  }

  /** Plays a quantum; false when there is nothing more to come. */
  process(input: Channels, output: Channels): boolean {
    if (this.#stopped) return false
    if (this.#next) this.#load()
    const player = this.#player
    if (!player || this.#rest > 0) {
      if (player) {
        this.#rest--
        this.#bypassed++
      }
      bypass(input, output)
      return true
    }
    const { now } = this.#options
    const timed = this.#timed
    const start = timed ? now() : 0
    try {
      player.play(input, output)
      this.#played++
    } catch (error) {
      this.#player = undefined
      bypass(input, output)
      this.#tellError(error)
    }
    if (timed) this.#spent += now() - start
    this.#measure(samplesOf(input, output))
    return true
  }

  dispose(): void {
    this.#stopped = true
    this.#player = undefined
    this.#next = undefined
  }

  /** Makes a part of the next player; it plays when it is whole. */
  #load(): void {
    const { tell, now } = this.#options
    try {
      if (!this.#next!.load()) return
    } catch (error) {
      this.#next = undefined
      this.#tellError(error)
      return
    }
    this.#player = this.#next
    this.#next = undefined
    this.#rest = 0
    this.#begin(true)
    tell({ type: 'ready', milliseconds: now() - this.#since })
  }

  /** When a timed stretch took more than its share, as many quanta are left as they are. */
  #measure(samples: number): void {
    const { rate, share, tell, now } = this.#options
    this.#due += (1000 * samples) / rate
    if (++this.#quanta < stretch) return
    const due = share * this.#due
    if (this.#spent > due) {
      this.#late++
      this.#rest = stretch
      tell({ type: 'late', late: this.#late, bypassed: this.#bypassed })
    }
    const slow = now() - this.#began > 1.1 * this.#due // quanta come late, or the context was suspended
    this.#begin(slow || 2 * this.#spent > due || ++this.#stretches % seldom === 0)
  }

  #begin(timed: boolean): void {
    this.#timed = timed
    this.#began = this.#options.now()
    this.#quanta = 0
    this.#spent = 0
    this.#due = 0
  }

  #tellError(error: unknown): void {
    const known = error instanceof LayerRnnError
    const text = String((error as Error)?.message ?? error)
    this.#options.tell({
      type: 'error',
      message: known ? text : `the model cannot be played (${text})`,
      code: known ? error.code : 'engine',
    })
  }
}

/** The input as it is; silence where there is none. */
function bypass(input: Channels, output: Channels): void {
  for (let c = 0; c < output.length; c++) {
    const samples = output[c]!
    for (let i = 0; i < samples.length; i++) samples[i] = sample(input, c, i)
  }
}
