// An AudioWorklet after the global script.
import { answers } from './answers.mjs'
import file from './model.mjs'
import { register } from './register.mjs'

register(() => answers(globalThis.layerRnn, globalThis.layerRnn.loadModelSync, file))
