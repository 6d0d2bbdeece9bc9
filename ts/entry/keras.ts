/**
 * `layer-rnn/keras`: reads `.keras` files.
 *
 * @module
 */
export { type LoadOptions, loadModel, loadModelSync } from '../formats/keras/load.js'
export type { Source } from '../formats/source.js'
