// CommonJS: what require gives, and that it is what import gives (Node from 20.19 on requires modules).
const assert = require('node:assert')
const { readFileSync } = require('node:fs')
const { GRU, Input, Sequential, Tensor, getModule, tensor } = require('layer-rnn')
const keras = require('layer-rnn/keras')
const ops = require('layer-rnn/ops')

const model = new Sequential([Input({ shape: [null, 3] }), new GRU({ units: 4 })])
assert.deepEqual(model.predict(new Float32Array(6)).shape, [1, 4])
assert.equal(typeof keras.loadModelSync, 'function')
assert.ok(ops.add(tensor([1]), 1) instanceof Tensor)
assert.ok(getModule() instanceof WebAssembly.Module)
assert.ok(WebAssembly.validate(readFileSync(require.resolve('layer-rnn/layer_rnn.wasm'))))
require('layer-rnn/global')
assert.equal(globalThis.layerRnn.ops.add(1, 2).item(), 3)

import('layer-rnn').then(module => assert.equal(module.Tensor, Tensor))

// The files for those that cannot require modules: bundlers, older versions.
const common = require('./node_modules/layer-rnn/dist/cjs/index.cjs')
const other = require('./node_modules/layer-rnn/dist/cjs/keras.cjs')
assert.equal(common.ops.add(1, 2).item(), 3)
assert.equal(typeof other.loadModelSync, 'function')
