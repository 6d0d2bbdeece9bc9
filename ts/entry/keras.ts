/**
 * `layer-rnn/keras`: reads `.keras` files.
 *
 * @module
 */
import './inline.js'
import '../layers/builtin.js'

export { type LoadOptions, loadModel, loadModelSync } from '../formats/keras/load.js'
export type { Source } from '../formats/source.js'
