// Compiles without the DOM's types, without Node's, and with the declarations of the package checked too.
import { GRU, Input, type Model, type NdArray, Sequential } from 'layer-rnn'
import { loadModelSync } from 'layer-rnn/keras'
import { add, tanh } from 'layer-rnn/ops'

export const load = (bytes: Uint8Array): Model => loadModelSync(bytes)
export const loadShared = (bytes: SharedArrayBuffer): Model => loadModelSync(bytes)

const model = new Sequential([new Input({ shape: [null, 3] }), new GRU({ units: 4 })])
export const answer: NdArray = model.predict(new Float32Array(6))
export const sum = add(tanh([1, 2]), 1)
