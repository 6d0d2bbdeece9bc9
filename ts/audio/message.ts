/** Models on their way to an audio thread: a message that can be posted, and the model it becomes there. */
import { ArgumentError, mustBe } from '../errors.js'
import { deserialize } from '../layers/builtin.js'
import { type LayerConfig, serialize } from '../layers/registry.js'
import { Model } from '../models/model.js'
import { NdArray } from '../tensor/ndarray.js'
import type { Data } from '../tensor/shape.js'

export interface AudioOptions {
  /** Frame-wise: samples from one frame to the next. Default: sample-wise, a step for each sample. */
  hop?: number
  /** Samples of a frame, the last ones. Default: `hop`. */
  window?: number
  /** Channels, each a row of the stream. Default 1. */
  channels?: number
}

/** What `node.port.postMessage` sends to a stream processor. */
export interface ModelMessage extends Required<AudioOptions> {
  type: 'model'
  config: LayerConfig
  weights: { data: Data; shape: readonly number[] }[]
}

/**
 * The message that makes a stream processor play this model, in the place of what it plays.
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
  const shape =
    model.inputs instanceof Object && 'shape' in model.inputs ? (model.inputs.shape as number[]) : []
  if (shape.length !== 3 || shape[2] !== features) {
    throw new ArgumentError(
      `modelMessage: ${model.name} must have one input [batch, time, ${features}], not ${model.inputs}`,
      { argument: 'model', expected: [null, null, features], actual: shape },
    )
  }
  const weights = model.getWeights().map(({ data, shape }) => ({ data, shape }))
  return { type: 'model', config: serialize(model), weights, ...sizes }
}

/** The model of a message. */
export function modelOf({ config, weights }: ModelMessage): Model {
  const model = deserialize(config)
  if (!(model instanceof Model)) throw mustBe('a stream processor', 'config', 'that of a model', config)
  try {
    model.setWeights(weights.map(({ data, shape }) => new NdArray(data, shape)))
    return model
  } catch (error) {
    model.dispose()
    throw error
  }
}
