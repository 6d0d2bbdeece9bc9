/** Loads the wasm. Only numbers cross, so that no glue is needed: imports that are left can only be a mistake. */
import { EngineError } from '../errors.js'
import type { Exports } from '../generated/exports.js'

/** A `WebAssembly.Module`; consumers without DOM types have no such name. */
export type WasmModule = object

/** A compiled module, or the bytes of one. */
export type WasmSource = WasmModule | ArrayBuffer | ArrayBufferView

export type { Exports }

/** The functions of the wasm. */
export type ExportName = {
  [K in keyof Exports]: Exports[K] extends (...args: never[]) => number ? K : never
}[keyof Exports]

interface WebAssemblyApi {
  Module: {
    new (bytes: ArrayBuffer | ArrayBufferView): WasmModule
    imports(module: WasmModule): { module: string; name: string; kind: string }[]
  }
  Instance: new (module: WasmModule, imports: object) => { exports: Record<string, unknown> }
  validate(bytes: ArrayBufferView): boolean
}

const wasm = (): WebAssemblyApi => {
  const api = (globalThis as { WebAssembly?: WebAssemblyApi }).WebAssembly
  if (!api) throw new EngineError('this runtime has no WebAssembly')
  return api
}

/** (module (func (drop (v128.const i32x4 0 0 0 0)))) */
const simdProbe = [
  0,
  97,
  115,
  109,
  1,
  0,
  0,
  0,
  1,
  4,
  1,
  96,
  0,
  0,
  3,
  2,
  1,
  0,
  10,
  23,
  1,
  21,
  0,
  253,
  12,
  ...Array(16).fill(0),
  26,
  11,
]

/** Compiles bytes; a module, of this or another realm, is taken as it is. */
export function compile(source: WasmSource): WasmModule {
  if (!(ArrayBuffer.isView(source) || Object.prototype.toString.call(source) === '[object ArrayBuffer]'))
    return source
  try {
    return new (wasm().Module)(source as ArrayBuffer)
  } catch (cause) {
    const simd = wasm().validate(Uint8Array.from(simdProbe))
    const text = simd
      ? "the WebAssembly could not be compiled; a Content-Security-Policy needs 'wasm-unsafe-eval'"
      : 'this runtime has no WebAssembly SIMD'
    throw new EngineError(`${text} (${(cause as Error).message})`, { cause })
  }
}

/** A new instance with a memory of its own. */
export function instantiate(module: WasmModule): Exports {
  const imports: Record<string, Record<string, () => void>> = {}
  for (const { module: from, name } of wasm().Module.imports(module)) {
    imports[from] ??= {}
    imports[from][name] = () => {
      if (!name.includes('init_externref_table'))
        throw new EngineError(`the wasm called ${name}, which crosses no numbers`)
    }
  }
  const { exports } = new (wasm().Instance)(module, imports)
  const start = exports.__wbindgen_start as (() => void) | undefined
  start?.()
  return exports as unknown as Exports
}
