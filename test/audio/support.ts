/** Hosts that play for tests, and models for them. */
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import { Dense, LSTM, type Model, Sequential } from '../../ts/entry/api.js'
import { Host, type HostMessage, type ModelMessage } from '../../ts/entry/worklet.js'

export const rate = 48_000
export const quantum = 128

export const sampleModel = (units = 40) =>
  new Sequential([
    new LSTM({ units, returnSequences: true, inputShape: [null, 1] }),
    new Dense({ units: 1 }),
  ]) as unknown as Model

/** What a worklet's port does to a message. */
export const posted = (message: ModelMessage): ModelMessage =>
  structuredClone(message, { transfer: [message.bytes] })

/** Plays samples in quanta; gives what comes out, channel by channel. */
export function play(host: Host, channels: Float32Array[]): Float32Array[] {
  const outputs = channels.map(samples => new Float32Array(samples.length))
  for (let from = 0; from < channels[0]!.length; from += quantum) {
    const part = (all: Float32Array[]) => all.map(samples => samples.subarray(from, from + quantum))
    assert.ok(host.process(part(channels), part(outputs)))
  }
  return outputs
}

export function hostOf(message?: ModelMessage, options: { now?: () => number } = {}) {
  const told: HostMessage[] = []
  const host = new Host({ rate, now: () => 0, ...options, tell: each => told.push(each) })
  if (message) host.take(posted(message))
  return { host, told }
}

/** A model that gives each frame times a factor. */
export function scaled(width: number, factor: number): Model {
  const model = new Sequential([new Dense({ units: width, useBias: false, inputShape: [null, width] })])
  const identity = Array.from({ length: width }, (_, i) =>
    Array.from({ length: width }, (_, j) => (i === j ? factor : 0)),
  )
  model.setWeights([identity])
  return model as unknown as Model
}
