/** Where the wasm comes from: entries say it, the first engine asks for it. */
import { EngineError } from '../errors.js'
import { compile, type WasmModule, type WasmSource } from './instance.js'

let provide: (() => WasmSource) | undefined
let module: WasmModule | undefined

/** Sets what gives the wasm, a compiled module or its bytes. It is asked when an engine is first needed. */
export function setProvider(provider: () => WasmSource): void {
  provide = provider
  module = undefined
}

/** The compiled module, which workers and worklets can be given so that they need not compile it again. */
export function getModule(): WasmModule {
  if (!provide)
    throw new EngineError('no WebAssembly was given: import the default entry, or call setProvider first')
  module ??= compile(provide())
  return module
}
