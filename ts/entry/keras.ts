/**
 * `layer-rnn/keras`: reads `.keras` and `.h5` files.
 *
 * @module
 */
import './inline.js'
import './whole.js'

export { type LoadOptions, loadModel, loadModelSync, loadWeights } from '../formats/keras/load.js'
export type { Source } from '../formats/source.js'
