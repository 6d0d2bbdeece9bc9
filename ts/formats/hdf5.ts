/**
 * Reads the part of HDF5 that Keras writes (h5py's default layout, the oldest): superblock 0, groups as symbol tables,
 * version 1 object headers, float32 datasets and attributes of strings (hdf5_data.ts). Everything else is a named error.
 *
 * Hostile files: every address is checked against the file, and every structure that is read is charged to a budget
 * proportional to the file's length, so loops and shared branches end in an ImportError. Layouts are in docs/keras-files.md.
 */
import { ImportError } from '../errors.js'
import { Hdf5Bytes, type Message } from './hdf5_bytes.js'
import { type Heaps, readAttribute, readNumbers, readShape, readType } from './hdf5_data.js'
import { nameOf } from './text.js'

const longestName = 1024

const signature = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]
const message = {
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  link: 0x06,
  layout: 0x08,
  filters: 0x0b,
  attribute: 0x0c,
  continuation: 0x10,
  symbolTable: 0x11,
  attributeInfo: 0x15,
}

/** A group: its links by name, in the order of the file. Nothing below it is read before it is asked for. */
export class Hdf5Group {
  readonly path: string
  readonly #file: Reader
  readonly #links: ReadonlyMap<string, number>
  readonly #attributes: readonly Message[]
  readonly #opened = new Map<string, Hdf5Group | Hdf5Dataset>()

  constructor(
    file: Reader,
    path: string,
    links: ReadonlyMap<string, number>,
    attributes: readonly Message[],
  ) {
    this.#file = file
    this.path = path
    this.#links = links
    this.#attributes = attributes
  }

  get names(): string[] {
    return [...this.#links.keys()]
  }

  /** What errors call the file. */
  get fileName(): string {
    return this.#file.name
  }

  /** Where the group stands, for errors. */
  get place(): string {
    return this.#file.at(this.path)
  }

  has(name: string): boolean {
    return this.#links.has(name)
  }

  /** The object behind a link. @throws {ImportError} when there is no such link or it leads nowhere */
  get(name: string): Hdf5Group | Hdf5Dataset {
    const known = this.#opened.get(name)
    if (known) return known
    const path = this.path === '' ? name : `${this.path}/${name}`
    const address = this.#links.get(name)
    if (address === undefined)
      throw new ImportError(`${this.#file.name} has no ${path}`, { path: this.#file.at(path) })
    const object = this.#file.object(path, address)
    this.#opened.set(name, object)
    return object
  }

  /** The strings of an attribute, one or many; undefined when there is no such attribute or it holds none. */
  strings(name: string): string[] | undefined {
    return this.#file.strings(this.path, this.#attributes, name)
  }
}

/** A dataset: an array of one type. */
export class Hdf5Dataset {
  readonly path: string
  readonly shape: readonly number[]
  /** `float32`, `int64`, …: numpy's name. */
  readonly dtype: string
  /** Whether the file may have fewer bytes than the numbers. */
  readonly packed: boolean
  readonly #data: () => Float32Array

  constructor(
    path: string,
    shape: readonly number[],
    dtype: string,
    packed: boolean,
    data: () => Float32Array,
  ) {
    this.path = path
    this.shape = shape
    this.dtype = dtype
    this.packed = packed
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
  throw new ImportError(`${name}: its root is no group`, { path: name })
}

class Reader {
  readonly #file: Hdf5Bytes
  readonly #heaps: Heaps = new Map()

  constructor(bytes: Uint8Array, name: string) {
    this.#file = new Hdf5Bytes(bytes, name)
  }

  get name(): string {
    return this.#file.name
  }

  at(path: string): string {
    return this.#file.at(path)
  }

  root(): Hdf5Group | Hdf5Dataset {
    const { bytes } = this.#file
    if (bytes.length < 96 || !isHdf5(bytes)) throw this.#file.wrong('this is no HDF5 file')
    const version = bytes[8]
    if (version !== 0)
      throw this.#file.unsupported(`HDF5 superblock version ${version}; Keras writes version 0`)
    if (bytes[13] !== 8 || bytes[14] !== 8)
      throw this.#file.unsupported('addresses that are not 64 bits long')
    if (this.#file.address(24) !== 0) throw this.#file.unsupported('a user block before the data')
    if (this.#file.address(40) > bytes.length)
      throw this.#file.wrong(`it is cut off: ${this.#file.address(40)} bytes expected, ${bytes.length} there`)
    return this.object('', this.#file.address(64))
  }

  object(path: string, address: number): Hdf5Group | Hdf5Dataset {
    this.#file.path = path
    const messages = this.#messages(address)
    const table = messages.get(message.symbolTable)?.[0]
    if (table) {
      if (messages.has(message.attributeInfo))
        throw this.#file.unsupported('attributes in the new HDF5 layout')
      const links = this.#links(this.#file.field(table, 0), this.#file.field(table, 8))
      return new Hdf5Group(this, path, links, messages.get(message.attribute) ?? [])
    }
    if (messages.has(message.link) || messages.has(message.linkInfo))
      throw this.#file.unsupported(
        'a group in the new HDF5 layout, as for names of layers that are not ASCII: save the model as .keras',
      )
    return this.#dataset(path, messages)
  }

  /** The messages of a version 1 object header by type; continuation blocks included. */
  #messages(address: number): Map<number, Message[]> {
    this.#file.visit(address, 16, 'an object header')
    const view = this.#file.view
    if (view.getUint8(address) !== 1) {
      if (view.getUint32(address) === 0x4f484452)
        throw this.#file.unsupported('an object header in the new HDF5 layout')
      throw this.#file.wrong(`no object header at byte ${address}`)
    }
    let left = view.getUint16(address + 2, true)
    const blocks: [number, number][] = [[address + 16, view.getUint32(address + 8, true)]]
    const found = new Map<number, Message[]>()
    for (let block = blocks.shift(); block; block = blocks.shift()) {
      let [at, length] = block
      this.#file.visit(at, length, 'object header messages')
      while (left > 0 && length >= 8) {
        left--
        const size = view.getUint16(at + 2, true)
        const one = { type: view.getUint16(at, true), flags: view.getUint8(at + 4), at: at + 8, size }
        if (size + 8 > length)
          throw this.#file.wrong(`a header message at byte ${at} is longer than its block`)
        if (one.type === message.continuation)
          blocks.push([this.#file.field(one, 0), this.#file.field(one, 8)])
        else {
          const others = found.get(one.type)
          if (others) others.push(one)
          else found.set(one.type, [one])
        }
        at += size + 8
        length -= size + 8
      }
    }
    if (left > 0) throw this.#file.wrong(`its header promises ${left} more messages`)
    return found
  }

  /** Names and addresses of a group's links: a B-tree of symbol table nodes, the names in a local heap. */
  #links(tree: number, heap: number): Map<string, number> {
    this.#file.expect(heap, 32, 'HEAP', 'the heap of link names')
    const length = this.#file.address(heap + 8)
    const names = this.#file.address(heap + 24)
    this.#file.visit(names, length, 'the link names')
    const links = new Map<string, number>()
    this.#file.walkTree(tree, { kind: 0, keySize: 8 }, (_, node) => {
      this.#file.expect(node, 8, 'SNOD', 'a symbol table node')
      const count = this.#file.view.getUint16(node + 6, true)
      this.#file.visit(node + 8, 40 * count, 'a symbol table node')
      for (let entry = node + 8; entry < node + 8 + 40 * count; entry += 40) {
        const name = this.#linkName(names, length, this.#file.address(entry))
        if (links.has(name)) throw this.#file.wrong(`the link ${name} is there twice`)
        if (this.#file.view.getUint32(entry + 16, true) > 1)
          throw this.#file.unsupported(`${name} is a soft link`)
        links.set(name, this.#file.address(entry + 8))
      }
    })
    return links
  }

  #linkName(names: number, length: number, offset: number): string {
    const room = this.#file.bytes.subarray(
      names + Math.min(offset, length),
      names + Math.min(offset + longestName + 1, length),
    )
    const size = room.indexOf(0)
    if (size < 0)
      throw this.#file.wrong(`a link name is longer than ${longestName} bytes or lies outside its heap`)
    this.#file.visit(names + offset, size, 'a link name')
    const name = nameOf(room.subarray(0, size))
    if (name === '' || name.includes('/')) throw this.#file.wrong('a link name is empty or holds a slash')
    return name
  }

  #dataset(path: string, messages: ReadonlyMap<number, readonly Message[]>): Hdf5Dataset {
    const file = this.#file
    const one = (type: number) => messages.get(type)?.[0]
    const space = one(message.dataspace)
    const type = one(message.datatype)
    const layout = one(message.layout)
    if (!space || !type || !layout) throw file.wrong('neither a group nor a dataset')
    if ((space.flags | type.flags | layout.flags) & 2) throw file.unsupported('shared header messages')
    const shape = readShape(file, space)
    const dtype = readType(file, type)
    const packed = messages.has(message.filters)
    return new Hdf5Dataset(path, shape, dtype, packed, () => {
      file.path = path
      if (dtype !== 'float32') throw file.unsupported(`numbers of type ${dtype}; only float32 is read`)
      return readNumbers(file, layout, one(message.filters), shape)
    })
  }

  strings(path: string, attributes: readonly Message[], name: string): string[] | undefined {
    this.#file.path = path
    for (const each of attributes) {
      const attribute = readAttribute(this.#file, each)
      if (attribute.name === name) return attribute.strings(this.#heaps)
    }
    return undefined
  }
}
