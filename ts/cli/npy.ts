/** numpy's .npy files: format 1.0 to 3.0 of numbers and booleans; `<f4`, `<i4` and `|b1` are written. */
import { NdArray } from '../tensor/ndarray.js'
import type { Data, DType } from '../tensor/shape.js'
import { Failure } from './fail.js'

const magic = '\x93NUMPY'

type Reader = (view: DataView, at: number) => number

/** By numpy's letter and size, read in either byte order. */
const readers: Record<string, (little: boolean) => Reader> = {
  f2: little => (view, at) => half(view.getUint16(at, little)),
  f4: little => (view, at) => view.getFloat32(at, little),
  f8: little => (view, at) => view.getFloat64(at, little),
  i1: () => (view, at) => view.getInt8(at),
  i2: little => (view, at) => view.getInt16(at, little),
  i4: little => (view, at) => view.getInt32(at, little),
  i8: little => (view, at) => exact(view.getBigInt64(at, little)),
  u1: () => (view, at) => view.getUint8(at),
  u2: little => (view, at) => view.getUint16(at, little),
  u4: little => (view, at) => exact(BigInt(view.getUint32(at, little))),
  u8: little => (view, at) => exact(view.getBigUint64(at, little)),
  b1: () => (view, at) => (view.getUint8(at) === 0 ? 0 : 1),
}

const written: Record<DType, string> = { float32: '<f4', int32: '<i4', bool: '|b1' }

/** The array in a file; floats as float32, integers as int32, in C order. */
export function readNpy(bytes: Uint8Array): NdArray<Data> {
  const { header, start } = headerOf(bytes)
  const order = /'descr':\s*'([<>|=])([a-z]\d+)'/.exec(header)
  const fortran = /'fortran_order':\s*(True|False)/.exec(header)?.[1]
  const sizes = /'shape':\s*\(([\d\s,]*)\)/.exec(header)?.[1]
  if (fortran === undefined || sizes === undefined) throw new Failure('a .npy header that cannot be read')
  const type = order?.[2] ?? ''
  if (!Object.hasOwn(readers, type)) {
    const found = /'descr':\s*(.*?),\s*'/.exec(header)?.[1] ?? 'unknown'
    throw new Failure(`numbers of the type ${found}; f2, f4, f8, i1 to i8, u1 to u8 and bool are read`)
  }
  const shape = sizes
    .split(',')
    .filter(text => text.trim() !== '')
    .map(Number)
  const count = shape.reduce((a, b) => a * b, 1)
  const width = Number(type[1])
  if (count * width !== bytes.length - start)
    throw new Failure(
      `${bytes.length - start} bytes of numbers, but (${shape.join(', ')}) needs ${count * width}`,
    )
  const view = new DataView(bytes.buffer, bytes.byteOffset + start)
  const read = readers[type]!(order![1] !== '>')
  const data = new (arrayOf(type))(count)
  const place = fortran === 'True' ? fortranPlaces(shape) : (i: number) => i
  for (let i = 0; i < count; i++) data[place(i)] = read(view, i * width)
  return new NdArray(data, shape)
}

function headerOf(bytes: Uint8Array): { header: string; start: number } {
  const text = new TextDecoder('latin1')
  if (bytes.length < 12 || text.decode(bytes.subarray(0, 6)) !== text.decode(latin(magic)))
    throw new Failure('this is no .npy file')
  const version = bytes[6]!
  if (version < 1 || version > 3) throw new Failure(`.npy format ${version}; 1 to 3 are read`)
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const from = version === 1 ? 10 : 12
  const start = from + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true))
  if (start > bytes.length) throw new Failure('a .npy file that is cut off')
  return { header: text.decode(bytes.subarray(from, start)), start }
}

function arrayOf(type: string): { new (length: number): Data } {
  if (type === 'b1') return Uint8Array
  return type[0] === 'f' ? Float32Array : Int32Array
}

/** A 16-bit float: 1 bit of sign, 5 of exponent, 10 of fraction. */
function half(bits: number): number {
  const sign = bits < 0x8000 ? 1 : -1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity
  const steps = exponent === 0 ? fraction : 1024 + fraction
  return (sign * steps * (1 << Math.max(exponent, 1))) / 33_554_432 // 2^(exponent - 15) / 1024
}

function exact(value: bigint): number {
  if (value !== BigInt.asIntN(32, value)) throw new Failure(`${value} is no 32-bit integer`)
  return Number(value)
}

/** Where the i-th number of an array stored column by column belongs. */
function fortranPlaces(shape: readonly number[]): (i: number) => number {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1))
  return i => {
    let rest = i
    return shape.reduce((sum, size, axis) => {
      const index = rest % size
      rest = (rest - index) / size
      return sum + index * strides[axis]!
    }, 0)
  }
}

/** The bytes of a file in format 1.0. */
export function writeNpy({ data, shape, dtype }: NdArray<Data>): Uint8Array {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const fields = `{'descr': '${written[dtype]}', 'fortran_order': False, 'shape': (${sizes}), }`
  const header = latin(`${fields.padEnd(64 * Math.ceil((fields.length + 11) / 64) - 11)}\n`)
  const width = data.BYTES_PER_ELEMENT
  const bytes = new Uint8Array(10 + header.length + data.length * width)
  bytes.set(latin(`${magic}\x01\x00`))
  const view = new DataView(bytes.buffer)
  view.setUint16(8, header.length, true)
  bytes.set(header, 10)
  const start = 10 + header.length
  for (let i = 0; i < data.length; i++) {
    if (dtype === 'float32') view.setFloat32(start + 4 * i, data[i]!, true)
    else if (dtype === 'int32') view.setInt32(start + 4 * i, data[i]!, true)
    else bytes[start + i] = data[i]!
  }
  return bytes
}

const latin = (text: string) => Uint8Array.from(text, letter => letter.charCodeAt(0))
