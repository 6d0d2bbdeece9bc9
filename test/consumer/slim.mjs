// The entry without the wasm: it is given, and until then the error says how.
import assert from 'node:assert'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createEngine, EngineError, getModule, init, initSync, Tensor, tensor } from 'layer-rnn/slim'
import { loadModelSync } from 'layer-rnn/slim/keras'
import * as ops from 'layer-rnn/slim/ops'

const missing = error => error instanceof EngineError && /init/.test(error.message)
assert.throws(() => createEngine(), missing)
assert.throws(() => ops.add(1, 2), missing)
assert.throws(() => initSync(), missing)
assert.throws(getModule, missing)
await assert.rejects(init(), missing)

const bytes = readFileSync(fileURLToPath(import.meta.resolve('layer-rnn/layer_rnn.wasm')))
await init(bytes)
assert.ok(ops.add(tensor([1]), 1) instanceof Tensor)
assert.equal(typeof loadModelSync, 'function')
const module = getModule()

// What comes later with the wasm inside does not replace it, and has the same classes.
const full = await import('layer-rnn')
assert.equal(full.Tensor, Tensor)
assert.equal(full.getModule(), module)
