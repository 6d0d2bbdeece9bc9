// The declarations for CommonJS.
import { GRU, getModule, Input, initSync, type NdArray, Sequential } from 'layer-rnn'

import keras = require('layer-rnn/keras')
import slim = require('layer-rnn/slim')

const model = new Sequential([new Input({ shape: [null, 3] }), new GRU({ units: 4 })])
export const answer: NdArray = model.predict(new Float32Array(6))
export const load = (bytes: Uint8Array) => keras.loadModelSync(bytes)
export const start = (bytes: ArrayBuffer) => initSync(bytes)
export const ready: Promise<void> = slim.init('layer_rnn.wasm')
export const shared: object = getModule()
