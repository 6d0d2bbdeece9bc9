/**
 * Reads the part of HDF5 that Keras writes (h5py's default layout, the oldest): superblock 0, groups as symbol tables,
 * version 1 object headers, contiguous float32 datasets. Everything else is a named error.
 *
 * Hostile files: every address is checked against the file, and every structure that is read is charged to a budget
 * proportional to the file's length, so loops and shared branches end in an ImportError. Layouts are in docs/keras-files.md.
 */
import { ImportError, UnsupportedError } from '../errors.js'

/** How often the file's bytes may be visited on the average: once is what a real file needs. */
const visits = 8
const longestName = 1024
const undefinedAddress = 0xffffffffffffffffn

const signature = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]
const message = {
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  link: 0x06,
  layout: 0x08,
  filters: 0x0b,
  continuation: 0x10,
  symbolTable: 0x11,
}

/** A group: its links by name, in the order of the file. Nothing below it is read before it is asked for. */
export class Hdf5Group {
  readonly path: string
  readonly #file: Reader
  readonly #links: ReadonlyMap<string, number>

  constructor(file: Reader, path: string, links: ReadonlyMap<string, number>) {
    this.#file = file
    this.path = path
    this.#links = links
  }

  get names(): string[] {
    return [...this.#links.keys()]
  }

  has(name: string): boolean {
    return this.#links.has(name)
  }

  /** The object behind a link. @throws {ImportError} when there is no such link or it leads nowhere */
  get(name: string): Hdf5Group | Hdf5Dataset {
    const path = this.path === '' ? name : `${this.path}/${name}`
    const address = this.#links.get(name)
    if (address === undefined)
      throw new ImportError(`${this.#file.name} has no ${path}`, { path: this.#file.at(path) })
    return this.#file.object(path, address)
  }
}

/** A dataset: an array of one type. */
export class Hdf5Dataset {
  readonly path: string
  readonly shape: readonly number[]
  /** `float32`, `int64`, …: numpy's name. */
  readonly dtype: string
  readonly #data: () => Float32Array

  constructor(path: string, shape: readonly number[], dtype: string, data: () => Float32Array) {
    this.path = path
    this.shape = shape
    this.dtype = dtype
    this.#data = data
  }

  /** A copy of the numbers, row-major. @throws {UnsupportedError} when they are not plain float32 */
  data(): Float32Array {
    return this.#data()
  }
}

/** Whether the bytes begin as those of an HDF5 file. */
export const isHdf5 = (bytes: Uint8Array): boolean => signature.every((byte, i) => bytes[i] === byte)

/** Opens an HDF5 file; `name` is what errors call it. */
export function openHdf5(bytes: Uint8Array, name = 'the HDF5 file'): Hdf5Group {
  const reader = new Reader(bytes, name)
  const root = reader.root()
  if (root instanceof Hdf5Group) return root
  throw reader.wrong('its root is no group', '')
}

interface Message {
  type: number
  flags: number
  at: number
  size: number
}

class Reader {
  readonly name: string
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #text = new TextDecoder()
  #budget: number
  #path = ''

  constructor(bytes: Uint8Array, name: string) {
    this.name = name
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#budget = visits * bytes.length
  }

  /** Where `path` stands, for errors. */
  at(path: string): string {
    return path === '' ? this.name : `${this.name}/${path}`
  }

  wrong(what: string, path = this.#path): ImportError {
    return new ImportError(`${this.at(path)}: ${what}`, { path: this.at(path) })
  }

  #unsupported(what: string): UnsupportedError {
    return new UnsupportedError(`${this.at(this.#path)}: ${what}`, { argument: this.at(this.#path) })
  }

  root(): Hdf5Group | Hdf5Dataset {
    const bytes = this.#bytes
    if (bytes.length < 96 || !isHdf5(bytes)) throw this.wrong('this is no HDF5 file')
    const version = bytes[8]
    if (version !== 0) throw this.#unsupported(`HDF5 superblock version ${version}; Keras writes version 0`)
    if (bytes[13] !== 8 || bytes[14] !== 8) throw this.#unsupported('addresses that are not 64 bits long')
    if (this.#address(24) !== 0) throw this.#unsupported('a user block before the data')
    if (this.#address(40) > bytes.length)
      throw this.wrong(`it is cut off: ${this.#address(40)} bytes expected, ${bytes.length} there`)
    return this.object('', this.#address(64))
  }

  object(path: string, address: number): Hdf5Group | Hdf5Dataset {
    this.#path = path
    const messages = this.#messages(address)
    const table = messages.get(message.symbolTable)
    if (table) return new Hdf5Group(this, path, this.#links(this.#field(table, 0), this.#field(table, 8)))
    if (messages.has(message.link) || messages.has(message.linkInfo))
      throw this.#unsupported('a group in the new HDF5 layout')
    return this.#dataset(path, messages)
  }

  /** The messages of a version 1 object header by type, the first of each; continuation blocks included. */
  #messages(address: number): Map<number, Message> {
    this.#visit(address, 16, 'an object header')
    const view = this.#view
    if (view.getUint8(address) !== 1) {
      if (view.getUint32(address) === 0x4f484452)
        throw this.#unsupported('an object header in the new HDF5 layout')
      throw this.wrong(`no object header at byte ${address}`)
    }
    let left = view.getUint16(address + 2, true)
    const blocks: [number, number][] = [[address + 16, view.getUint32(address + 8, true)]]
    const found = new Map<number, Message>()
    for (let block = blocks.shift(); block; block = blocks.shift()) {
      let [at, length] = block
      this.#visit(at, length, 'object header messages')
      while (left > 0 && length >= 8) {
        left--
        const size = view.getUint16(at + 2, true)
        const one = { type: view.getUint16(at, true), flags: view.getUint8(at + 4), at: at + 8, size }
        if (size + 8 > length) throw this.wrong(`a header message at byte ${at} is longer than its block`)
        if (one.type === message.continuation) blocks.push([this.#field(one, 0), this.#field(one, 8)])
        else if (!found.has(one.type)) found.set(one.type, one)
        at += size + 8
        length -= size + 8
      }
    }
    if (left > 0) throw this.wrong(`its header promises ${left} more messages`)
    return found
  }

  /** Names and addresses of a group's links: a B-tree of symbol table nodes, the names in a local heap. */
  #links(tree: number, heap: number): Map<string, number> {
    this.#expect(heap, 32, 'HEAP', 'the heap of link names')
    const length = this.#address(heap + 8)
    const names = this.#address(heap + 24)
    this.#visit(names, length, 'the link names')
    const links = new Map<string, number>()
    this.#walkTree(tree, undefined, node => {
      this.#expect(node, 8, 'SNOD', 'a symbol table node')
      const count = this.#view.getUint16(node + 6, true)
      this.#visit(node + 8, 40 * count, 'a symbol table node')
      for (let entry = node + 8; entry < node + 8 + 40 * count; entry += 40) {
        const name = this.#linkName(names, length, this.#address(entry))
        if (links.has(name)) throw this.wrong(`the link ${name} is there twice`)
        if (this.#view.getUint32(entry + 16, true) > 1) throw this.#unsupported(`${name} is a soft link`)
        links.set(name, this.#address(entry + 8))
      }
    })
    return links
  }

  #linkName(names: number, length: number, offset: number): string {
    const room = this.#bytes.subarray(
      names + Math.min(offset, length),
      names + Math.min(offset + longestName + 1, length),
    )
    const size = room.indexOf(0)
    if (size < 0) throw this.wrong(`a link name is longer than ${longestName} bytes or lies outside its heap`)
    this.#visit(names + offset, size, 'a link name')
    const name = this.#text.decode(room.subarray(0, size))
    if (name === '' || name.includes('/')) throw this.wrong('a link name is empty or holds a slash')
    return name
  }

  /** Calls `leaf` with the address of every symbol table node; the level falls by one with each step, so it ends. */
  #walkTree(at: number, level: number | undefined, leaf: (address: number) => void): void {
    this.#expect(at, 24, 'TREE', 'a group B-tree')
    const view = this.#view
    const own = view.getUint8(at + 5)
    const count = view.getUint16(at + 6, true)
    if (view.getUint8(at + 4) !== 0 || (level !== undefined && own !== level))
      throw this.wrong(`a damaged B-tree at byte ${at}`)
    this.#visit(at + 24, 16 * count + 8, 'a group B-tree')
    for (let i = 0; i < count; i++) {
      const child = this.#address(at + 32 + 16 * i)
      if (own === 0) leaf(child)
      else this.#walkTree(child, own - 1, leaf)
    }
  }

  #dataset(path: string, messages: Map<number, Message>): Hdf5Dataset {
    const space = messages.get(message.dataspace)
    const type = messages.get(message.datatype)
    const layout = messages.get(message.layout)
    if (!space || !type || !layout) throw this.wrong('neither a group nor a dataset')
    if ((space.flags | type.flags | layout.flags) & 2) throw this.#unsupported('shared header messages')
    const shape = this.#shape(space)
    const dtype = this.#dtype(type)
    const filtered = messages.has(message.filters)
    return new Hdf5Dataset(path, shape, dtype, () => {
      this.#path = path
      if (filtered) throw this.#unsupported('compressed data')
      if (dtype !== 'float32') throw this.#unsupported(`numbers of type ${dtype}; only float32 is read`)
      return this.#contiguous(layout, shape)
    })
  }

  #shape(space: Message): number[] {
    this.#need(space, 4)
    const version = this.#view.getUint8(space.at)
    const rank = this.#view.getUint8(space.at + 1)
    if (version !== 1 && version !== 2) throw this.#unsupported(`a dataspace of version ${version}`)
    if (rank > 8) throw this.#unsupported(`${rank} dimensions`)
    const first = version === 1 ? 8 : 4
    return Array.from({ length: rank }, (_, i) => this.#field(space, first + 8 * i))
  }

  #dtype(type: Message): string {
    this.#need(type, 8)
    const view = this.#view
    const kind = view.getUint8(type.at) & 15
    const order = view.getUint8(type.at + 1)
    const bits = 8 * view.getUint32(type.at + 4, true)
    if (kind === 0) return `${order & 8 ? '' : 'u'}int${bits}`
    if (kind !== 1) return `HDF5 class ${kind}`
    if (order & 0x41) return `big-endian float${bits}`
    if (bits !== 32) return `float${bits}`
    this.#need(type, 20)
    // Bits 0-31, exponent at 23 of 8 bits, mantissa at 0 of 23 bits, bias 127: an IEEE single.
    const ieee = [0, 32, 0x0817, 0x1700].every(
      (want, i) => view.getUint16(type.at + 8 + 2 * i, true) === want,
    )
    return ieee && view.getUint32(type.at + 16, true) === 127 ? 'float32' : 'an unusual float of 32 bits'
  }

  #contiguous(layout: Message, shape: readonly number[]): Float32Array {
    this.#need(layout, 2)
    const version = this.#view.getUint8(layout.at)
    const kind = this.#view.getUint8(layout.at + 1)
    if (version !== 3) throw this.#unsupported(`a data layout of version ${version}`)
    if (kind !== 1) throw this.#unsupported(kind === 2 ? 'chunked data' : `data layout ${kind}`)
    const count = shape.reduce((a, b) => a * b, 1)
    if (count === 0) return new Float32Array(0)
    this.#need(layout, 18)
    if (this.#view.getBigUint64(layout.at + 2, true) === undefinedAddress)
      throw this.wrong('its numbers were never written')
    const start = this.#field(layout, 2)
    const size = this.#field(layout, 10)
    if (size !== 4 * count) throw this.wrong(`${size} bytes of data for the shape [${shape}]`)
    this.#visit(start, size, 'the data')
    const from = this.#bytes.byteOffset + start
    return new Float32Array(this.#bytes.buffer.slice(from, from + size))
  }

  /** Charges a structure of `length` bytes at `at` to the budget, and checks that it lies inside the file. */
  #visit(at: number, length: number, what: string): void {
    if (at + length > this.#bytes.length)
      throw this.wrong(
        `${what} lies outside the file (bytes ${at} to ${at + length} of ${this.#bytes.length})`,
      )
    this.#budget -= length + 8
    if (this.#budget < 0) throw this.wrong('its groups lead into each other again and again')
  }

  #expect(at: number, length: number, magic: string, what: string): void {
    this.#visit(at, length, what)
    for (let i = 0; i < 4; i++) {
      if (this.#bytes[at + i] !== magic.charCodeAt(i)) throw this.wrong(`${what} is missing at byte ${at}`)
    }
  }

  #need(one: Message, length: number): void {
    if (one.size < length) throw this.wrong(`a header message at byte ${one.at} is too short`)
  }

  /** A 64-bit number inside a message. */
  #field(one: Message, offset: number): number {
    this.#need(one, offset + 8)
    return this.#address(one.at + offset)
  }

  #address(at: number): number {
    const value = this.#view.getBigUint64(at, true)
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      throw this.wrong(`an impossible address or size at byte ${at}`)
    return Number(value)
  }
}
