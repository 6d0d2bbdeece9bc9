// The entry without the wasm, given its bytes.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as lib from 'layer-rnn/slim'
import { loadModelSync } from 'layer-rnn/slim/keras'
import { answers } from './answers.mjs'
import file from './model.mjs'

await lib.init(readFileSync(fileURLToPath(import.meta.resolve('layer-rnn/layer_rnn.wasm'))))
console.log(JSON.stringify(answers(lib, loadModelSync, file)))
