/**
 * `layer-rnn/infer`: the same names as `layer-rnn` with a smaller WebAssembly, which has no gradients, no random numbers and no first
 * values of weights: models whose weights are all given run.
 *
 * @module
 */
import './inline_infer.js'

export * from './api.js'
