/** Where a file's bytes come from. Nothing is fetched or read from disk here: that is the caller's, in every runtime. */
import { type Body, bytesIn, type FileBytes, isBody, isBytes } from '../engine/file_bytes.js'
import { ArgumentError, beginning, ImportError } from '../errors.js'

/** A file in memory, or what turns into one. */
export type Source = Uint8Array | FileBytes | Body

/** The bytes of `source` where they are at hand at once. `caller` is named in errors. */
export function bytesOf(source: unknown, caller: string): Uint8Array {
  if (isBytes(source)) return bytesIn(source, `${caller}: source`)
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
  if (!isBody(given)) return bytesOf(given, caller)
  const { ok, status, url: path } = given
  const from = path || 'the file'
  if (ok === false) throw new ImportError(`${from} could not be fetched: status ${status}`, { path })
  const bytes = bytesOf(await read(given, from), caller)
  if (bytes[0] === 60) throw new ImportError(`${from} is no model: it ${beginning(bytes)}`, { path })
  return bytes
}

async function read(body: Body, from: string): Promise<ArrayBuffer> {
  try {
    return await body.arrayBuffer()
  } catch (cause) {
    const text = `${from} could not be read (${(cause as Error).message})`
    throw new ImportError(text, { path: body.url, cause })
  }
}
