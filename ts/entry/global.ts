/**
 * `layer-rnn/global`: all of the package as one script, which defines `layerRnn`; for script tags, `importScripts` and `addModule`.
 *
 * @module
 */
export * from './index.js'
export * from './keras.js'
