// Rollup with @rollup/plugin-wasm: the entry without the wasm, and the wasm as the plugin's module.

import load from 'layer-rnn/layer_rnn.wasm'
import * as lib from 'layer-rnn/slim'
import { loadModelSync } from 'layer-rnn/slim/keras'
import { answers } from './answers.mjs'
import file from './model.mjs'
import { tell } from './tell.mjs'

tell(async () => {
  await lib.init(load())
  return answers(lib, loadModelSync, file)
})
