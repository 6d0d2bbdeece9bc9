// An AudioWorklet that is given the compiled module.
import * as lib from 'layer-rnn/slim'
import { loadModelSync } from 'layer-rnn/slim/keras'
import { answers } from './answers.mjs'
import file from './model.mjs'
import { register } from './register.mjs'

register(({ module }) => {
  lib.initSync(module)
  return answers(lib, loadModelSync, file)
})
