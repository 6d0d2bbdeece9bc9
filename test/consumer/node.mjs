// What an installed package must do: its entries load, share their classes, and compute.
import assert from 'node:assert'
import { createRequire } from 'node:module'
import { Dense, GRU, Input, NdArray, Sequential } from 'layer-rnn'
import * as keras from 'layer-rnn/keras'
import * as ops from 'layer-rnn/ops'

const model = new Sequential([Input({ shape: [null, 3] }), new GRU({ units: 4 }), new Dense({ units: 2 })])
const y = model.predict(new Float32Array(5 * 3).fill(0.5))
assert.deepEqual(y.shape, [1, 2])
assert.ok(y instanceof NdArray)
assert.ok(y.data.every(Number.isFinite))
assert.equal(typeof keras.loadModel, 'function')
assert.equal(typeof ops.tanh, 'function')

const stream = model.stream()
let step
for (let t = 0; t < 5; t++) step = stream.step(new Float32Array(3).fill(0.5))
assert.deepEqual([...step], [...y.data])
stream.dispose()
model.dispose()

assert.equal(createRequire(import.meta.url)('layer-rnn/package.json').name, 'layer-rnn')
