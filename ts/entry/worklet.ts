/**
 * `layer-rnn/worklet`: models that play in an AudioWorklet.
 *
 * @module
 */
import './inline.js'

export { Host, type HostMessage, type HostOptions, type Request } from '../audio/host.js'
export { type AudioOptions, type ModelMessage, modelMessage } from '../audio/message.js'
export type { Channels } from '../audio/player.js'
export { registerStreamProcessor } from '../audio/processor.js'
