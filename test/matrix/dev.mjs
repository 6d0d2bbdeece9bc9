// A page of a dev server: the wasm inside, and fetched from where the server has it.
import url from 'layer-rnn/layer_rnn.wasm?url'
import * as lib from 'layer-rnn/slim'
import { loadModelSync } from 'layer-rnn/slim/keras'
import { answers } from './answers.mjs'
import { compute } from './inline.mjs'
import file from './model.mjs'

globalThis.compute = compute
globalThis.slim = async () => {
  await lib.init(url)
  return answers(lib, loadModelSync, file)
}
