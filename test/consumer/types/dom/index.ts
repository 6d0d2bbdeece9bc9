// Compiles with the DOM's types: what the platform gives is taken as it is.

import wasm from 'layer-rnn/layer_rnn.wasm'
import { getModule, init, initSync } from 'layer-rnn/slim'

export const fetched = () => init(fetch('layer_rnn.wasm'))
export const located = () => init(new URL('layer_rnn.wasm', location.href))
export const given = (module: WebAssembly.Module) => initSync(module)
export const bundled = () => init(wasm)
export const own = () => getModule() as WebAssembly.Module
