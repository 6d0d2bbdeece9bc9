/** Numbers and strings of HDF5: dataspaces, datatypes, contiguous and chunked data, attributes. */
import { unzlibSync } from 'fflate'
import type { Hdf5Bytes, Message } from './hdf5_bytes.js'
import { nameOf } from './text.js'

const undefinedAddress = 0xffffffffffffffffn
/** Deflate cannot do better than this. */
export const bestRatio = 1032

const filter = { deflate: 1, shuffle: 2, checksum: 3 } as const

/** Places in the global heap, where strings of any length lie: by heap, then by index. */
export type Heaps = Map<number, Map<number, [at: number, size: number]>>

export function readShape(file: Hdf5Bytes, space: Message): number[] {
  file.need(space, 4)
  const version = file.view.getUint8(space.at)
  const rank = file.view.getUint8(space.at + 1)
  if (version !== 1 && version !== 2) throw file.unsupported(`a dataspace of version ${version}`)
  if (rank > 8) throw file.unsupported(`${rank} dimensions`)
  const first = version === 1 ? 8 : 4
  return Array.from({ length: rank }, (_, i) => file.field(space, first + 8 * i))
}

/** `float32`, `int64`, …: numpy's name. */
export function readType(file: Hdf5Bytes, type: Message): string {
  file.need(type, 8)
  const { view } = file
  const kind = view.getUint8(type.at) & 15
  const order = view.getUint8(type.at + 1)
  const bits = 8 * view.getUint32(type.at + 4, true)
  if (kind === 0) return `${order & 8 ? '' : 'u'}int${bits}`
  if (kind !== 1) return `HDF5 class ${kind}`
  if (order & 0x41) return `big-endian float${bits}`
  if (bits !== 32) return `float${bits}`
  file.need(type, 20)
  // Bits 0-31, exponent at 23 of 8 bits, mantissa at 0 of 23 bits, bias 127: an IEEE single.
  const ieee = [0, 32, 0x0817, 0x1700].every((want, i) => view.getUint16(type.at + 8 + 2 * i, true) === want)
  return ieee && view.getUint32(type.at + 16, true) === 127 ? 'float32' : 'an unusual float of 32 bits'
}

/** The float32 numbers of a dataset, a copy. */
export function readNumbers(
  file: Hdf5Bytes,
  layout: Message,
  filters: Message | undefined,
  shape: readonly number[],
): Float32Array {
  file.need(layout, 2)
  const version = file.view.getUint8(layout.at)
  const kind = file.view.getUint8(layout.at + 1)
  if (version !== 3) throw file.unsupported(`a data layout of version ${version}`)
  if (kind !== 1 && kind !== 2) throw file.unsupported(`data layout ${kind}`)
  const count = shape.reduce((a, b) => a * b, 1)
  if (count === 0) return new Float32Array(0)
  file.need(layout, kind === 1 ? 18 : 11)
  const start = layout.at + kind + 1 // chunks say their number of dimensions first
  if (file.view.getBigUint64(start, true) === undefinedAddress)
    throw file.wrong('its numbers were never written')
  if (kind === 2) return readChunks(file, layout, filters, shape)
  const size = file.field(layout, 10)
  if (size !== 4 * count) throw file.wrong(`${size} bytes of data for the shape [${shape}]`)
  const at = file.address(start)
  file.visit(at, size, 'the data')
  const from = file.bytes.byteOffset + at
  return new Float32Array(file.bytes.buffer.slice(from, from + size))
}

/** Chunks that a B-tree lists with their places; those of a dataset that grew or has gaps are refused. */
function readChunks(
  file: Hdf5Bytes,
  layout: Message,
  filters: Message | undefined,
  shape: readonly number[],
): Float32Array {
  const { view } = file
  const rank = view.getUint8(layout.at + 2) - 1
  file.need(layout, 15 + 4 * rank)
  const chunk = shape.map((_, axis) => view.getUint32(layout.at + 11 + 4 * axis, true))
  if (rank !== shape.length || chunk.some((size, axis) => size === 0 || size > shape[axis]!))
    throw file.unsupported(`chunks [${chunk}] of data [${shape}]`)
  const size = 4 * chunk.reduce((a, b) => a * b, 1)
  const grid = shape.map((length, axis) => Math.ceil(length / chunk[axis]!))
  const expected = grid.reduce((a, b) => a * b, 1)
  if (size > bestRatio * file.bytes.length || expected > file.bytes.length)
    throw file.wrong(`data [${shape}] in chunks [${chunk}], more than the file can hold`)
  const pipeline = filters ? readFilters(file, filters) : []
  const numbers = new Float32Array(shape.reduce((a, b) => a * b, 1))
  const seen = new Set<number>()
  file.walkTree(file.field(layout, 3), { kind: 1, keySize: 16 + 8 * rank }, (key, child) => {
    const place = shape.map((_, axis) => file.address(key + 8 + 8 * axis))
    const index = place.reduce((sum, at, axis) => sum * grid[axis]! + at / chunk[axis]!, 0)
    if (place.some((at, axis) => at % chunk[axis]! !== 0 || at >= shape[axis]!) || seen.has(index))
      throw file.wrong(`a chunk at [${place}], where none belongs`)
    seen.add(index)
    const length = view.getUint32(key, true)
    const skipped = view.getUint32(key + 4, true)
    file.visit(child, length, 'a chunk')
    const bytes = unpacked(file, file.bytes.subarray(child, child + length), size, pipeline, skipped)
    put(numbers, shape, new Float32Array(bytes.slice().buffer), chunk, place)
  })
  if (seen.size !== expected) throw file.wrong(`${seen.size} of its ${expected} chunks are there`)
  return numbers
}

function readFilters(file: Hdf5Bytes, { at, size }: Message): number[] {
  const end = at + size
  const word = (place: number): number => {
    if (place + 2 > end) throw file.wrong('its filters are cut off')
    return file.view.getUint16(place, true)
  }
  const version = word(at) & 255
  if (version !== 1 && version !== 2) throw file.unsupported(`a list of filters of version ${version}`)
  const found: number[] = []
  let next = at + (version === 1 ? 8 : 2)
  for (let left = word(at) >> 8; left > 0; left--) {
    const id = word(next)
    const named = version === 1 || id >= 256
    const name = named ? word(next + 2) : 0
    const values = word(next + (named ? 6 : 4))
    next += (named ? 8 : 6) + (version === 1 ? 8 * Math.ceil(name / 8) : name)
    next += 4 * (version === 1 ? values + (values % 2) : values)
    if (!(Object.values(filter) as number[]).includes(id))
      throw file.unsupported(`data with the filter ${id}`)
    found.push(id)
  }
  return found
}

/** A chunk's own bytes: the filters undone, the last one first. */
function unpacked(
  file: Hdf5Bytes,
  packed: Uint8Array,
  size: number,
  filters: readonly number[],
  skipped: number,
): Uint8Array {
  let bytes = packed
  for (let i = filters.length - 1; i >= 0; i--) {
    if (skipped & (1 << i)) continue
    if (filters[i] === filter.checksum) bytes = bytes.subarray(0, -4)
    else if (filters[i] === filter.deflate) bytes = inflated(file, bytes, size)
    else bytes = unshuffled(bytes)
  }
  if (bytes.length !== size) throw file.wrong(`a chunk of ${bytes.length} bytes instead of ${size}`)
  return bytes
}

function inflated(file: Hdf5Bytes, packed: Uint8Array, size: number): Uint8Array {
  try {
    return unzlibSync(packed, { out: new Uint8Array(size + 4) }) // a checksum may be inside
  } catch (error) {
    throw file.wrong(`a chunk cannot be unpacked: ${(error as Error).message}`)
  }
}

/** First bytes, second bytes, … of all numbers back to numbers of four bytes. */
function unshuffled(bytes: Uint8Array): Uint8Array {
  const count = bytes.length >> 2
  const out = bytes.slice()
  for (let i = 0; i < 4 * count; i++) out[4 * (i % count) + Math.floor(i / count)] = bytes[i]!
  return out
}

/** Copies what of a chunk lies inside the data. */
function put(
  target: Float32Array,
  shape: readonly number[],
  source: Float32Array,
  chunk: readonly number[],
  place: readonly number[],
): void {
  const last = shape.length - 1
  const width = Math.min(chunk[last]!, shape[last]! - place[last]!)
  for (let from = 0; from < source.length; from += chunk[last]!) {
    let rest = from / chunk[last]!
    let to = place[last]!
    let stride = shape[last]!
    let inside = true
    for (let axis = last - 1; axis >= 0; axis--) {
      const index = place[axis]! + (rest % chunk[axis]!)
      rest = Math.floor(rest / chunk[axis]!)
      inside &&= index < shape[axis]!
      to += index * stride
      stride *= shape[axis]!
    }
    if (inside) target.set(source.subarray(from, from + width), to)
  }
}

/** An attribute's name and the place of its parts. */
export function readAttribute(
  file: Hdf5Bytes,
  one: Message,
): { name: string; strings(heaps: Heaps): string[] | undefined } {
  file.need(one, 8)
  const { view } = file
  const version = view.getUint8(one.at)
  if (version < 1 || version > 3) throw file.unsupported(`an attribute of version ${version}`)
  if (version > 1 && view.getUint8(one.at + 1) !== 0) throw file.unsupported('an attribute of a shared type')
  const round = (size: number) => (version === 1 ? 8 * Math.ceil(size / 8) : size)
  const [nameSize, typeSize, spaceSize] = [2, 4, 6].map(at => view.getUint16(one.at + at, true)) as [
    number,
    number,
    number,
  ]
  let at = one.at + (version === 3 ? 9 : 8)
  const part = (size: number): Message => {
    const found = { type: 0, flags: 0, at, size }
    at += round(size)
    if (at > one.at + one.size) throw file.wrong('an attribute that is longer than its message')
    return found
  }
  const name = textAt(file, part(nameSize))
  const type = part(typeSize)
  const space = part(spaceSize)
  const data = { type: 0, flags: 0, at, size: one.at + one.size - at }
  return { name, strings: heaps => readStrings(file, type, space, data, heaps) }
}

/** The strings of an attribute; undefined when it holds something else. */
function readStrings(
  file: Hdf5Bytes,
  type: Message,
  space: Message,
  data: Message,
  heaps: Heaps,
): string[] | undefined {
  file.need(type, 8)
  const kind = file.view.getUint8(type.at) & 15
  const flags = file.view.getUint8(type.at + 1)
  const size = file.view.getUint32(type.at + 4, true)
  const fixed = kind === 3
  if (!fixed && !(kind === 9 && (flags & 15) === 1)) return undefined
  const count = readShape(file, space).reduce((a, b) => a * b, 1)
  file.need(data, count * size)
  return Array.from({ length: count }, (_, i) => {
    const at = data.at + i * size
    return textAt(file, fixed ? { ...data, at, size } : inHeap(file, { ...data, at, size }, heaps))
  })
}

/** Where a string of any length lies. */
function inHeap(file: Hdf5Bytes, one: Message, heaps: Heaps): Message {
  file.need(one, 16)
  const length = file.view.getUint32(one.at, true)
  if (length === 0) return { ...one, size: 0 }
  const heap = file.address(one.at + 4)
  if (!heaps.has(heap)) heaps.set(heap, readHeap(file, heap))
  const [at, size] = heaps.get(heap)!.get(file.view.getUint32(one.at + 12, true)) ?? [0, 0]
  if (length > size) throw file.wrong('a string that is not where its attribute says')
  return { ...one, at, size: length }
}

function readHeap(file: Hdf5Bytes, heap: number): Map<number, [number, number]> {
  file.expect(heap, 16, 'GCOL', 'a heap of strings')
  const end = heap + file.address(heap + 8)
  file.visit(heap, end - heap, 'a heap of strings')
  const found = new Map<number, [number, number]>()
  for (let at = heap + 16; at + 16 <= end; ) {
    const index = file.view.getUint16(at, true)
    const size = file.address(at + 8)
    if (index === 0) break
    if (at + 16 + size > end) throw file.wrong('a damaged heap of strings')
    found.set(index, [at + 16, size])
    at += 16 + 8 * Math.ceil(size / 8)
  }
  return found
}

/** Text up to its end or its first zero. */
function textAt(file: Hdf5Bytes, { at, size }: Message): string {
  file.visit(at, size, 'a text')
  const bytes = file.bytes.subarray(at, at + size)
  const end = bytes.indexOf(0)
  return nameOf(end < 0 ? bytes : bytes.subarray(0, end))
}
