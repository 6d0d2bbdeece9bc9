/** Where a file's bytes come from. Nothing is fetched or read from disk here: that is the caller's, in every runtime. */
import { ArgumentError, beginning, ImportError } from '../errors.js'

/** A Blob or a Response; described by what is used of them, for consumers that compile without the DOM's types. */
export interface Body {
  arrayBuffer(): Promise<ArrayBuffer>
}

/** A file in memory, or what turns into one. */
export type Source = Uint8Array | ArrayBuffer | ArrayBufferView | Body

/** The bytes of `source` where they are at hand at once. `caller` is named in errors. */
export function bytesOf(source: unknown, caller: string): Uint8Array {
  // a plain view of a Buffer too, whose slice() copies nothing
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
  // By tag: a buffer from another realm (a worker, a test runner) is no instance of this one's class.
  const tag = Object.prototype.toString.call(source)
  if (tag === '[object ArrayBuffer]' || tag === '[object SharedArrayBuffer]')
    return new Uint8Array(source as ArrayBuffer)
  if (typeof source === 'string' || source instanceof URL) {
    throw new ArgumentError(
      `${caller} takes the file's bytes, not a path or address: read it first, ` +
        'with await fetch(url) in a browser or readFileSync(path) from node:fs in Node',
      { argument: 'source', expected: 'bytes', actual: source },
    )
  }
  throw new ArgumentError(`${caller} takes a Uint8Array or ArrayBuffer`, {
    argument: 'source',
    expected: 'bytes',
    actual: typeof source,
  })
}

/** The bytes of `source`; a Response must be a success. */
export async function readSource(source: Source | Promise<Source>, caller: string): Promise<Uint8Array> {
  const given = await source
  if (typeof Response !== 'undefined' && given instanceof Response) {
    const { ok, status, url } = given
    const from = url || 'the file'
    if (!ok) throw new ImportError(`${from} could not be fetched: status ${status}`, { path: url })
    const bytes = new Uint8Array(await given.arrayBuffer())
    if (bytes[0] === 60) throw new ImportError(`${from} is no model: it ${beginning(bytes)}`, { path: url })
    return bytes
  }
  if (typeof Blob !== 'undefined' && given instanceof Blob) return new Uint8Array(await given.arrayBuffer())
  return bytesOf(given, caller)
}
