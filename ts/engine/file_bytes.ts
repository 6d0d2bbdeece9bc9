/** A file that was given: its bytes in some form, or what answers with them. */
import { ArgumentError } from '../errors.js'

/** The bytes of a file: a buffer, or a view of one. */
export type FileBytes = ArrayBufferLike | ArrayBufferView

/** A Blob or a Response; described by what is used of them, for consumers that compile without the DOM's types. */
export interface Body {
  readonly ok?: boolean
  readonly status?: number
  readonly url?: string
  arrayBuffer(): Promise<ArrayBuffer>
}

/** Whether it is a file's bytes. By tag: a buffer from another realm (a worker, a test runner) is no instance of this one's class. */
export const isBytes = (value: unknown): value is FileBytes =>
  ArrayBuffer.isView(value) || /^\[object (Shared)?ArrayBuffer]$/.test(Object.prototype.toString.call(value))

export const isBody = (value: unknown): value is Body =>
  typeof (value as Body | null | undefined)?.arrayBuffer === 'function'

/** A plain view of the bytes, of a Buffer or DataView too. `what` they are, in errors. */
export function bytesIn(source: FileBytes, what: string): Uint8Array {
  try {
    if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    return new Uint8Array(source)
  } catch (cause) {
    throw new ArgumentError(`${what} has no bytes any more: its buffer was transferred or cut`, {
      argument: 'source',
      cause,
    })
  }
}
