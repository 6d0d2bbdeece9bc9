/** An AudioWorkletProcessor around a `Host`. */
import { UnsupportedError } from '../errors.js'
import { Host, type Request } from './host.js'
import type { Channels } from './player.js'

interface Port {
  postMessage(message: unknown): void
  onmessage: ((event: { data: Request }) => void) | null
}

/** What an AudioWorklet's global scope has, described by what is used of it. */
interface Scope {
  AudioWorkletProcessor?: new () => { readonly port: Port }
  registerProcessor?: (name: string, Class: unknown) => void
  sampleRate?: number
}

/**
 * In an AudioWorklet: defines a processor that plays the models that are posted to it (`modelMessage`).
 *
 *     registerStreamProcessor('layer-rnn')
 */
export function registerStreamProcessor(name = 'layer-rnn'): void {
  const { AudioWorkletProcessor, registerProcessor, sampleRate: rate = 48_000 } = globalThis as Scope
  if (!AudioWorkletProcessor || !registerProcessor)
    throw new UnsupportedError(
      'registerStreamProcessor works in an AudioWorklet; load this file with addModule',
    )
  class StreamProcessor extends AudioWorkletProcessor {
    readonly #host: Host

    constructor() {
      super()
      this.#host = new Host({ rate, tell: message => this.port.postMessage(message) })
      this.port.onmessage = ({ data }) => this.#host.take(data)
    }

    process(inputs: readonly Channels[], outputs: readonly Channels[]): boolean {
      return this.#host.process(inputs[0] ?? [], outputs[0] ?? [])
    }
  }
  registerProcessor(name, StreamProcessor)
}
