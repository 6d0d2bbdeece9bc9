/** An HDF5 file's bytes: every address is checked, and every visit is charged to a budget, so that reading ends. */
import { ImportError, UnsupportedError } from '../errors.js'

/** How often the file's bytes may be visited on the average: once is what a real file needs. */
const visits = 8

/** A message of an object header. */
export interface Message {
  type: number
  flags: number
  at: number
  size: number
}

export class Hdf5Bytes {
  /** What errors call the file. */
  readonly name: string
  readonly bytes: Uint8Array
  readonly view: DataView
  /** The object that is being read. */
  path = ''
  #budget: number

  constructor(bytes: Uint8Array, name: string) {
    this.name = name
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#budget = visits * bytes.length
  }

  /** Where `path` stands, for errors. */
  at(path: string): string {
    return path === '' ? this.name : `${this.name}/${path}`
  }

  wrong(what: string, path = this.path): ImportError {
    return new ImportError(`${this.at(path)}: ${what}`, { path: this.at(path) })
  }

  unsupported(what: string): UnsupportedError {
    return new UnsupportedError(`${this.at(this.path)}: ${what}`, { argument: this.at(this.path) })
  }

  /** Charges a structure of `length` bytes at `at` to the budget, and checks that it lies inside the file. */
  visit(at: number, length: number, what: string): void {
    if (at + length > this.bytes.length)
      throw this.wrong(
        `${what} lies outside the file (bytes ${at} to ${at + length} of ${this.bytes.length})`,
      )
    this.#budget -= length + 8
    if (this.#budget < 0) throw this.wrong('its groups lead into each other again and again')
  }

  /** Visits a structure that begins with `magic`. */
  expect(at: number, length: number, magic: string, what: string): void {
    this.visit(at, length, what)
    for (let i = 0; i < 4; i++) {
      if (this.bytes[at + i] !== magic.charCodeAt(i)) throw this.wrong(`${what} is missing at byte ${at}`)
    }
  }

  need(one: Message, length: number): void {
    if (one.size < length) throw this.wrong(`a header message at byte ${one.at} is too short`)
  }

  /** A 64-bit number inside a message. */
  field(one: Message, offset: number): number {
    this.need(one, offset + 8)
    return this.address(one.at + offset)
  }

  address(at: number): number {
    const value = this.view.getBigUint64(at, true)
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      throw this.wrong(`an impossible address or size at byte ${at}`)
    return Number(value)
  }

  /** Calls `leaf` with the place of every key and child of a B-tree's lowest level; levels fall with each step, so it ends. */
  walkTree(
    at: number,
    { kind, keySize }: { kind: number; keySize: number },
    leaf: (key: number, child: number) => void,
    level?: number,
  ): void {
    this.expect(at, 24, 'TREE', 'a B-tree')
    const own = this.view.getUint8(at + 5)
    const count = this.view.getUint16(at + 6, true)
    if (this.view.getUint8(at + 4) !== kind || (level !== undefined && own !== level))
      throw this.wrong(`a damaged B-tree at byte ${at}`)
    const stride = keySize + 8
    this.visit(at + 24, stride * count + keySize, 'a B-tree')
    for (let i = 0; i < count; i++) {
      const key = at + 24 + stride * i
      const child = this.address(key + keySize)
      if (own === 0) leaf(key, child)
      else this.walkTree(child, { kind, keySize }, leaf, own - 1)
    }
  }
}
