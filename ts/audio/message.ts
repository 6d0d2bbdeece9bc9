/** Models on their way to an audio thread: a message that can be posted. */
import { ArgumentError, mustBe } from '../errors.js'
import { count, readOptions } from '../layers/options.js'
import { KerasTensor } from '../models/graph.js'
import { Model } from '../models/model.js'
import { type Snapshot, snapshot } from './snapshot.js'

export interface AudioOptions {
  /** Frame-wise: samples from one frame to the next. Default: sample-wise, a step for each sample. */
  hop?: number
  /** Samples of a frame, the last ones; only with `hop`, and at least as many. Default: `hop`. */
  window?: number
  /** Channels, each a row of the stream. Default 1. */
  channels?: number
}

/** What `node.port.postMessage` sends to a stream processor; its `bytes` may be transferred. */
export interface ModelMessage extends Required<AudioOptions>, Snapshot {
  type: 'model'
}

/** Without `hop` it is 0: sample-wise. */
const fields = { hop: count(0), window: count(0), channels: count(1) }

/** Samples that an audio thread plays at once. */
const quantum = 128

/**
 * The message that makes a stream processor play this model, in the place of what it plays: the model as it is now, built, compiled and
 * run on silence, so that the audio thread has nothing to do but copy it.
 *
 * Sample-wise the model takes `[batch, time, 1]` and gives `[batch, time, 1]` or its last step. Frame-wise it takes `[batch, time, window]`; what it gives
 * is `hop` samples that follow each other, `window` samples that are added where frames overlap, or anything else, which is no sound:
 * then the input is played, and `{ type: 'read' }` asks for the last output.
 *
 * @throws {ArgumentError} for options that there are not or that are not as they must be, and for models of another form
 */
export function modelMessage(model: Model, options: AudioOptions = {}): ModelMessage {
  if (!((model as unknown) instanceof Model)) throw mustBe('modelMessage', 'model', 'a model', model)
  const sizes = readOptions('modelMessage', fields, options) as Record<keyof typeof fields, number>
  const { hop, channels } = sizes
  if (sizes.window && !hop) throw mustBe('modelMessage', 'hop', 'given where window is', options.hop)
  const window = sizes.window || hop
  if (window < hop) throw mustBe('modelMessage', 'window', `at least hop, ${hop}`, window)
  const features = hop === 0 ? 1 : window
  const { name, inputs, outputs } = model
  const isFloat = (symbol: unknown) => symbol instanceof KerasTensor && symbol.dtype === 'float32'
  const { shape } = inputs as unknown as KerasTensor
  if (!isFloat(inputs) || shape.length !== 3 || shape[2] !== features) {
    throw new ArgumentError(
      `modelMessage: ${name} must have one input [batch, time, ${features}], not ${inputs}${hop === 0 ? '; frames need { hop, window }' : ''}`,
      { argument: 'model', expected: [null, null, features], actual: shape },
    )
  }
  if (!isFloat(outputs)) {
    throw new ArgumentError(`modelMessage: ${name} must have one output of numbers, not ${outputs}`, {
      argument: 'model',
      actual: outputs,
    })
  }
  const ready = snapshot(model, channels, hop === 0 ? [1, quantum] : [1])
  const given = ready.calls[0]!.output[1] / (4 * channels)
  if (hop === 0 && given !== 1) {
    throw new ArgumentError(
      `modelMessage: ${name} must give [batch, time, 1], a number for each sample, not ${outputs}`,
      { argument: 'model', expected: [null, null, 1], actual: (outputs as unknown as KerasTensor).shape },
    )
  }
  return { type: 'model', hop, window, channels, ...ready }
}
