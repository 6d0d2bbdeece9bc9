/**
 * `layer-rnn/global`: all of the package as one script, which defines `layerRnn`; for script tags, `importScripts` and `addModule`.
 * TypeScript knows it by `/// <reference types="layer-rnn/global" />`.
 *
 * @module
 */
import type * as script from './script.js'

declare global {
  /** All that `layer-rnn`, `layer-rnn/keras` and `layer-rnn/worklet` export. */
  var layerRnn: typeof script
}
