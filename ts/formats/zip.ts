/**
 * Reads zip archives: a strict directory walk that checks every size against the file before anything is inflated.
 * Work and memory are bounded by the archive's own length and by `limits`.
 */
import { inflateSync } from 'fflate'
import { ImportError, UnsupportedError } from '../errors.js'
import { nameOf } from './text.js'

/** Bounds on what an archive may ask for. */
export const limits = {
  /** Files in the archive. */
  entries: 10_000,
  /** Bytes of all files together, unpacked. */
  bytes: 2 ** 30,
} as const

/** Deflate cannot do better than this; a larger declared size is a lie. */
const bestRatio = 1032

const local = 0x04034b50
const central = 0x02014b50
const end = 0x06054b50
const endLength = 22
const centralLength = 46
const localLength = 30

interface Entry {
  name: string
  method: number
  packed: number
  size: number
  crc: number
  offset: number
}

/** Whether bytes begin as a zip archive does. */
export const isZip = (bytes: Uint8Array): boolean => bytes[0] === 0x50 && bytes[1] === 0x4b // PK

/** A zip archive in memory. */
export class Archive {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #entries = new Map<string, Entry>()

  /** Reads the directory. @throws {ImportError} when the bytes are no complete zip archive */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#readDirectory(this.#findEnd())
  }

  /** The names of all files. */
  get names(): string[] {
    return [...this.#entries.keys()]
  }

  /** The unpacked bytes of a file, checked against its checksum; a view into the archive when it is stored as it is. */
  read(name: string, most: number = limits.bytes): Uint8Array {
    const entry = this.#entries.get(name)
    if (!entry) throw new ImportError(`the archive has no ${name}`, { path: name })
    if (entry.size > most) {
      throw new ImportError(`${name} has ${entry.size} bytes, the limit is ${most}`, {
        path: name,
        expected: most,
        actual: entry.size,
      })
    }
    const packed = this.#packedBytes(entry)
    const bytes = entry.method === 0 ? packed : unpack(entry, packed)
    if (crc32(bytes) !== entry.crc)
      throw new ImportError(`${name} is damaged: its checksum does not fit`, { path: name })
    return bytes
  }

  #findEnd(): number {
    const view = this.#view
    const last = view.byteLength - endLength
    for (let at = last; at >= Math.max(0, last - 0xffff); at--) {
      if (view.getUint32(at, true) === end && view.getUint16(at + 20, true) === last - at) return at
    }
    throw new ImportError('this is no zip archive, or it is cut off: the directory at its end is missing', {})
  }

  #readDirectory(at: number): void {
    const view = this.#view
    const count = view.getUint16(at + 10, true)
    const length = view.getUint32(at + 12, true)
    let next = view.getUint32(at + 16, true)
    if (view.getUint32(at + 4, true) !== 0 || view.getUint16(at + 8, true) !== count) {
      throw new ImportError('the zip archive is split over several disks', {})
    }
    if (count > limits.entries)
      throw new ImportError(`the archive has ${count} files, the limit is ${limits.entries}`, {})
    if (next + length !== at)
      throw new ImportError('the zip directory does not lie where the archive says', {})
    let total = 0
    for (let i = 0; i < count; i++) {
      if (next + centralLength > at || view.getUint32(next, true) !== central) {
        throw new ImportError(`the zip directory is damaged at byte ${next}`, {})
      }
      const nameLength = view.getUint16(next + 28, true)
      const start = next + centralLength
      const stop = start + nameLength + view.getUint16(next + 30, true) + view.getUint16(next + 32, true)
      if (stop > at) throw new ImportError(`the zip directory is damaged at byte ${next}`, {})
      const name = nameOf(this.#bytes.subarray(start, start + nameLength))
      const entry: Entry = {
        name,
        method: view.getUint16(next + 10, true),
        crc: view.getUint32(next + 16, true),
        packed: view.getUint32(next + 20, true),
        size: view.getUint32(next + 24, true),
        offset: view.getUint32(next + 42, true),
      }
      check(entry, view.getUint16(next + 8, true))
      total += entry.size
      if (total > limits.bytes) {
        throw new ImportError(`the archive unpacks to more than ${limits.bytes} bytes`, {
          path: name,
          expected: limits.bytes,
        })
      }
      if (this.#entries.has(name)) throw new ImportError(`the archive has ${name} twice`, { path: name })
      this.#entries.set(name, entry)
      next = stop
    }
    if (next !== at) throw new ImportError(`the zip directory is damaged at byte ${next}`, {})
  }

  #packedBytes(entry: Entry): Uint8Array {
    const { offset, name, packed } = entry
    const view = this.#view
    if (offset + localLength > view.byteLength || view.getUint32(offset, true) !== local) {
      throw new ImportError(`${name} does not begin where the zip directory says (byte ${offset})`, {
        path: name,
      })
    }
    const start = offset + localLength + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true)
    if (start + packed > view.byteLength) throw new ImportError(`${name} is cut off`, { path: name })
    return this.#bytes.subarray(start, start + packed)
  }
}

function check({ name, method, packed, size }: Entry, flags: number): void {
  const path = name
  if (flags & 1) throw new UnsupportedError(`${name} is encrypted`, { argument: name })
  if (method !== 0 && method !== 8) {
    throw new UnsupportedError(
      `${name} is packed with zip method ${method}; only stored and deflate are read`,
      {
        argument: name,
        actual: method,
      },
    )
  }
  if (packed === 0xffffffff || size === 0xffffffff)
    throw new UnsupportedError(`${name} is in zip64 form`, { argument: name })
  if (method === 0 ? packed !== size : size > packed * bestRatio) {
    throw new ImportError(`${name} declares ${size} bytes, which ${packed} packed bytes cannot hold`, {
      path,
    })
  }
}

function unpack({ name, size }: Entry, packed: Uint8Array): Uint8Array {
  let bytes: Uint8Array
  try {
    bytes = inflateSync(packed, { out: new Uint8Array(size) })
  } catch (cause) {
    throw new ImportError(`${name} cannot be unpacked: ${(cause as Error).message}`, { path: name, cause })
  }
  if (bytes.length !== size) {
    throw new ImportError(`${name} unpacks to ${bytes.length} bytes, not to the declared ${size}`, {
      path: name,
    })
  }
  return bytes
}

/** Bytes at a time: engines compile a function that is called often sooner than one long loop. */
const piece = 4096
let table: Int32Array | undefined

/** The checksum of zip, four bytes at a time: model files are megabytes. Signed, as engines hold small integers. */
function crc32(bytes: Uint8Array): number {
  table ??= makeTable()
  const t = table
  const words = new Int32Array(piece / 4) // where words lie as typed arrays need them
  const room = new Uint8Array(words.buffer)
  let crc = -1
  for (let at = 0; at < bytes.length; at += piece) {
    const part = bytes.subarray(at, at + piece)
    room.set(part)
    crc = crcOn(t, crc, words, part.length >> 2)
    for (let i = part.length & ~3; i < part.length; i++) crc = (crc >>> 8) ^ t[(crc ^ part[i]!) & 255]!
  }
  return ~crc >>> 0
}

/** The checksum so far, gone on with the first `count` words. */
function crcOn(t: Int32Array, crc: number, words: Int32Array, count: number): number {
  for (let i = 0; i < count; i++) {
    crc ^= words[i]!
    crc =
      t[768 + (crc & 255)]! ^ t[512 + ((crc >>> 8) & 255)]! ^ t[256 + ((crc >>> 16) & 255)]! ^ t[crc >>> 24]!
  }
  return crc
}

function makeTable(): Int32Array {
  const made = new Int32Array(4 * 256)
  for (let bit = 128, crc = 1; bit > 0; bit >>= 1) {
    crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
    for (let n = 0; n < 256; n += 2 * bit) made[n + bit] = made[n]! ^ crc // the table is linear
  }
  for (let n = 256; n < made.length; n++) made[n] = (made[n - 256]! >>> 8) ^ made[made[n - 256]! & 255]!
  return made
}
