// For bundlers: a function that computes the answers, with the wasm that the entry brings.
import * as lib from 'layer-rnn'
import { loadModelSync } from 'layer-rnn/keras'
import { answers } from './answers.mjs'
import file from './model.mjs'

export const compute = () => answers(lib, loadModelSync, file)
