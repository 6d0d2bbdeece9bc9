// Compiles without the DOM's types, without Node's, and with the declarations of the package checked too.
import { GRU, Input, type NdArray, Sequential } from 'layer-rnn'
import { loadModelSync } from 'layer-rnn/keras'

export function predict(bytes: Uint8Array): NdArray {
  return loadModelSync(bytes).predict(new Float32Array(6))
}

export const model: Sequential = new Sequential([Input({ shape: [null, 3] }), new GRU({ units: 4 })])
