/** Loads the wasm. Only numbers cross, so that no glue is needed: imports that are left can only be a mistake. */
import { beginning, EngineError } from '../errors.js'
import type { Exports } from '../generated/exports.js'
import { stamp } from '../generated/stamp.js'
import { bytesIn, type FileBytes, isBytes } from './file_bytes.js'

/** A `WebAssembly.Module`; consumers without DOM types have no such name. */
export type WasmModule = object

/** A compiled module, or the bytes of one. */
export type WasmSource = WasmModule | FileBytes

export type { Exports }

/** The functions of the wasm. */
export type ExportName = {
  [K in keyof Exports]: Exports[K] extends (...args: never[]) => number ? K : never
}[keyof Exports]

interface WebAssemblyApi {
  Module: {
    new (bytes: ArrayBuffer | ArrayBufferView): WasmModule
    imports(module: WasmModule): { module: string; name: string; kind: string }[]
    customSections(module: WasmModule, name: string): ArrayBuffer[]
  }
  Instance: new (module: WasmModule, imports: object) => { exports: Record<string, unknown> }
  compile(bytes: ArrayBuffer | ArrayBufferView): Promise<WasmModule>
  validate(bytes: ArrayBufferView): boolean
}

const wasm = (): WebAssemblyApi => {
  const api = (globalThis as { WebAssembly?: WebAssemblyApi }).WebAssembly
  if (!api) throw new EngineError('this runtime has no WebAssembly')
  return api
}

/** (module (func (drop (i8x16.splat (i32.const 0))))) */
const simdProbe = [
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0],
  ...[10, 9, 1, 7, 0, 65, 0, 253, 15, 26, 11],
]

/** Whether it is a compiled module, of this or another realm. */
export const isModule = (value: unknown): value is WasmModule =>
  Object.prototype.toString.call(value) === '[object WebAssembly.Module]'

/** Compiles bytes; a module, of this or another realm, is taken as it is. `from` says in errors where they came from. */
export function compile(source: WasmSource, from?: string): WasmModule {
  if (!isBytes(source)) return checked(source)
  return checked(compiled(wasmIn(source, from)))
}

/** Any wasm, compiled. */
export function compiled(bytes: ArrayBuffer | ArrayBufferView): WasmModule {
  try {
    return new (wasm().Module)(bytes)
  } catch (cause) {
    throw uncompiled(cause)
  }
}

/** What an instance of a module exports. */
export const instanceOf = (module: WasmModule, imports: object = {}): Record<string, unknown> =>
  new (wasm().Instance)(module, imports).exports

/** `compile`, off this thread where the runtime does that. */
export async function compileLater(source: WasmSource, from?: string): Promise<WasmModule> {
  if (!isBytes(source)) return checked(source)
  const bytes = wasmIn(source, from)
  try {
    return checked(await wasm().compile(bytes))
  } catch (cause) {
    throw uncompiled(cause, from)
  }
}

/** The bytes in a form that is compiled everywhere. What servers send in place of a missing file is mostly a page. */
function wasmIn(source: FileBytes, from = 'what was given'): Uint8Array {
  const bytes = bytesIn(source, from)
  if (simdProbe.slice(0, 4).every((byte, i) => bytes[i] === byte)) return bytes
  throw new EngineError(`${from} is no WebAssembly: it ${beginning(bytes)}`, { expected: 'layer_rnn.wasm' })
}

/** The module, if it belongs to this JavaScript: both carry a stamp of what they were made from. */
function checked(module: WasmModule): WasmModule {
  const [section] = wasm().Module.customSections(module, 'layer-rnn')
  const actual = section && String.fromCharCode(...new Uint8Array(section))
  if (actual === stamp) return module
  throw new EngineError(
    actual === undefined
      ? 'this WebAssembly module is not that of layer-rnn'
      : `this layer_rnn.wasm is of layer-rnn ${actual} and the JavaScript of ${stamp}: both must come from the same package`,
    { expected: stamp, actual },
  )
}

function uncompiled(cause: unknown, from = 'the WebAssembly'): EngineError {
  if (cause instanceof EngineError) return cause
  const simd = wasm().validate(Uint8Array.from(simdProbe))
  const text = simd
    ? `${from} could not be compiled; it may be cut off, or a Content-Security-Policy lacks 'wasm-unsafe-eval'`
    : 'this runtime has no WebAssembly SIMD'
  return new EngineError(`${text} (${(cause as Error).message})`, { cause })
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
  const exports = instanceOf(module, imports)
  const start = exports.__wbindgen_start as (() => void) | undefined
  start?.()
  return exports as unknown as Exports
}
