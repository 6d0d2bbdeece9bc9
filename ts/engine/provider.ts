/** Where the wasm comes from: entries say it, or who uses the package does; the first engine asks for it. */
import { EngineError, mustBe } from '../errors.js'
import { isBody, isBytes } from './file_bytes.js'
import { compile, compiled, compileLater, isModule, type WasmModule, type WasmSource } from './instance.js'

/** What answers a request: a `Response`. Described by what is used of it, for consumers without its type. */
export interface WasmResponse {
  readonly ok: boolean
  readonly status: number
  readonly url: string
  arrayBuffer(): Promise<ArrayBuffer>
}

/** The wasm, or where it can be fetched. */
export type WasmLocation = WasmSource | WasmResponse | { readonly href: string } | string

let provide: (() => WasmSource) | undefined
let module: WasmModule | undefined
/** The module that a part gave, for as long as there is nothing else. */
let partial: WasmModule | undefined
let isPartial = false

/**
 * Sets what gives the package's own wasm, a compiled module or its bytes. It is asked when an engine is first needed. That for inference,
 * a part, takes the place of none.
 */
export function setProvider(provider: () => WasmSource, isPart = false): void {
  if (provide && isPart) return
  if (module === partial) module = undefined
  provide = provider
  isPartial = isPart
}

/** The compiled module, which workers and worklets can be given so that they need not compile it again. */
export function getModule(): WasmModule {
  if (module) return module
  const own = provided('getModule')()
  module = ArrayBuffer.isView(own) ? compiled(own) : own
  if (isPartial) partial = module
  return module
}

/**
 * Gives the wasm to `layer-rnn/slim`, a compiled module or its bytes. The default entry needs no call: it has the wasm inside and
 * compiles it when it is first used.
 */
export function initSync(source?: WasmSource): void {
  const given = source === undefined ? provided('initSync')() : source
  if (!isModule(given) && !isBytes(given))
    throw mustBe('initSync', 'source', 'a WebAssembly.Module or the bytes of layer_rnn.wasm', given)
  module = compile(given)
}

/**
 * `initSync`, compiled off this thread where the runtime does that, from a file that may still have to be fetched.
 *
 *     await init(new URL('./layer_rnn.wasm', import.meta.url))
 */
export async function init(source?: WasmLocation | Promise<WasmLocation>): Promise<void> {
  const given = source === undefined ? provided('init')() : await source
  if (isModule(given) || isBytes(given)) module = await compileLater(given)
  else if (isBody(given)) module = await fromResponse(given as WasmResponse)
  else module = await fromResponse(await request(given))
}

function provided(caller: string): () => WasmSource {
  if (provide) return provide
  throw new EngineError(
    caller === 'getModule'
      ? 'no WebAssembly was given: call init or initSync of layer-rnn/slim first, or import layer-rnn, which has it inside'
      : `${caller} of layer-rnn/slim needs the WebAssembly: a module, its bytes${caller === 'init' ? ', a Response or a URL' : ''}`,
  )
}

async function request(location: unknown): Promise<WasmResponse> {
  const url = typeof location === 'string' ? location : (location as { href?: unknown } | null)?.href
  if (typeof url !== 'string' || url === '')
    throw mustBe('init', 'source', 'a WebAssembly.Module, its bytes, a Response or a URL', location)
  const { fetch } = globalThis as { fetch?: (url: string) => Promise<WasmResponse> }
  try {
    if (!fetch) throw new Error('this runtime has no fetch')
    return await fetch(url)
  } catch (cause) {
    const hint = url.startsWith('file:') ? '; read the file and give its bytes' : ''
    throw new EngineError(`${url} could not be fetched (${(cause as Error).message})${hint}`, { cause })
  }
}

async function fromResponse(response: WasmResponse): Promise<WasmModule> {
  const { ok, status, url } = response
  const from = url || 'the answer'
  if (ok === false) throw new EngineError(`${from} was answered with status ${status}`, { actual: status })
  let bytes: ArrayBuffer
  try {
    bytes = await response.arrayBuffer()
  } catch (cause) {
    throw new EngineError(`${from} could not be read (${(cause as Error).message})`, { cause })
  }
  return compileLater(bytes, from)
}
