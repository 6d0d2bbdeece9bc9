/** Models on their way to an audio thread: a message that can be posted. */
import { ArgumentError, mustBe } from '../errors.js'
import { KerasTensor } from '../models/graph.js'
import type { Model } from '../models/model.js'
import { type Snapshot, snapshot } from './snapshot.js'

export interface AudioOptions {
  /** Frame-wise: samples from one frame to the next. Default: sample-wise, a step for each sample. */
  hop?: number
  /** Samples of a frame, the last ones. Default: `hop`. */
  window?: number
  /** Channels, each a row of the stream. Default 1. */
  channels?: number
}

/** What `node.port.postMessage` sends to a stream processor; its `bytes` may be transferred. */
export interface ModelMessage extends Required<AudioOptions>, Snapshot {
  type: 'model'
}

/** Samples that an audio thread plays at once. */
const quantum = 128

/**
 * The message that makes a stream processor play this model, in the place of what it plays: the model as it is now, built, compiled and
 * run on silence, so that the audio thread has nothing to do but copy it.
 *
 * Sample-wise the model takes `[batch, time, 1]` and gives `[batch, time, 1]`. Frame-wise it takes `[batch, time, window]`; what it gives
 * is `hop` samples that follow each other, `window` samples that are added where frames overlap, or anything else, which is no sound:
 * then the input is played, and `{ type: 'read' }` asks for the last output.
 */
export function modelMessage(model: Model, options: AudioOptions = {}): ModelMessage {
  const { hop = 0, window = hop, channels = 1 } = options
  const sizes = { hop, window, channels }
  for (const [argument, value] of Object.entries(sizes)) {
    const least = argument === 'channels' ? 1 : 0
    if (!Number.isInteger(value) || value < least)
      throw mustBe('modelMessage', argument, `an integer of at least ${least}`, value)
  }
  if (window < hop) throw mustBe('modelMessage', 'window', `at least hop, ${hop},`, window)
  const features = hop === 0 ? 1 : window
  const { name, inputs, outputs } = model
  const isFloat = (symbol: unknown) => symbol instanceof KerasTensor && symbol.dtype === 'float32'
  const { shape } = inputs as unknown as KerasTensor
  if (!isFloat(inputs) || shape.length !== 3 || shape[2] !== features) {
    throw new ArgumentError(
      `modelMessage: ${name} must have one input [batch, time, ${features}], not ${inputs}`,
      { argument: 'model', expected: [null, null, features], actual: shape },
    )
  }
  if (!isFloat(outputs)) {
    throw new ArgumentError(`modelMessage: ${name} must have one output of numbers, not ${outputs}`, {
      argument: 'model',
      actual: outputs,
    })
  }
  return { type: 'model', ...sizes, ...snapshot(model, channels, hop === 0 ? [1, quantum] : [1]) }
}
