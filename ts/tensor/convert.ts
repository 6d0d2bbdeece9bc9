/** Numbers in whatever form users have them, made into what the engine stores. */
import { ArgumentError, ShapeError, show } from '../errors.js'
import { arrayIn } from './ndarray.js'
import { type Data, type DType, fits, isSize, kindOf, type Shape } from './shape.js'

/** Typed arrays that are converted; those of BigInt are refused. */
export type NumericArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array
  | Uint32Array

/** A number, a typed array, an NdArray, as it is or as `postMessage` leaves it, or nested arrays of these. */
export type ArrayLike = number | boolean | NumericArray | Values | readonly ArrayLike[]

/** Numbers as the engine stores them, row by row: what an NdArray holds. */
export interface Values {
  data: Data
  shape: readonly number[]
  dtype: DType
}

export interface ConvertOptions {
  /** What the numbers must fit; null sizes are found from them. */
  shape?: Shape
  /** Default: bool for booleans, int32 for integer typed arrays, float32 for the rest. */
  dtype?: DType
  /** Whether the number at a place counts for nothing: whatever it is, it becomes 0, unless nothing has to be converted. */
  blank?: (index: number) => boolean
  /** The argument that they are, for messages; perhaps behind the name of what it is an argument of: `add: a`. */
  what?: string
}

/** Converts `value`; the result shares the memory of a typed array that is already of the right kind. */
export function convert(
  value: unknown,
  { shape, dtype, blank, what = 'values' }: ConvertOptions = {},
): Values {
  if (dtype !== undefined) kindOf(dtype)
  const array = arrayIn(value)
  if (array)
    return {
      ...checked(array, shape, what),
      data: recast(array.data, dtype ?? array.dtype, what, blank),
      dtype: dtype ?? array.dtype,
    }
  if (ArrayBuffer.isView(value)) {
    const numbers = numeric(value, what)
    const type = dtype ?? natural(numbers)
    return {
      data: recast(numbers, type, what, blank),
      shape: solve(shape ?? [numbers.length], numbers.length, what),
      dtype: type,
    }
  }
  const sizes = depth(value, what)
  const type = dtype ?? (typeof innermost(value) === 'boolean' ? 'bool' : leafType(value))
  const flat: number[] = []
  flatten(value, sizes, 0, flat, what)
  const data = recast(flat, type, what, blank)
  // One level of nesting, or none, is as good as a typed array: the shape may split it.
  if (shape && sizes.length <= 1 && shape.length !== sizes.length)
    return { data, shape: solve(shape, flat.length, what), dtype: type }
  return { ...checked({ shape: sizes }, shape, what), data, dtype: type }
}

function checked(
  value: { shape: readonly number[] },
  shape: Shape | undefined,
  what: string,
): { shape: readonly number[] } {
  if (shape && !fits(shape, value.shape)) {
    const text = `must have the shape ${show(shape)}, not ${show(value.shape)}`
    throw bad(ShapeError, what, text, shape, value.shape)
  }
  return { shape: value.shape }
}

/**
 * The sizes of `pattern` for `length` numbers. One unknown size is found from the length; when several are unknown, those in
 * front of the last are 1: numbers for [batch, time, features] are one sequence.
 */
export function solve(pattern: Shape, length: number, what = 'values'): readonly number[] {
  const last = pattern.lastIndexOf(null)
  const sizes = pattern.map((size, axis) => size ?? (axis === last ? -1 : 1))
  const fail = () =>
    bad(ShapeError, `${what}:`, `${length} numbers do not fill the shape ${show(pattern)}`, pattern, length)
  const wrong = sizes.find((size, axis) => !(isSize(size) || (size === -1 && axis === last)))
  if (wrong !== undefined) {
    throw new ShapeError(`${what}: ${show(pattern)} is no shape`, { argument: 'shape', actual: pattern })
  }
  const rest = sizes.reduce((product, size) => product * (size < 0 ? 1 : size), 1)
  if (last < 0) {
    if (rest !== length) throw fail()
    return sizes
  }
  const found = rest === 0 ? Number.NaN : length / rest
  if (!Number.isInteger(found)) throw fail()
  return sizes.map(size => (size < 0 ? found : size))
}

function numeric(value: ArrayBufferView, what: string): NumericArray {
  if (
    !(value instanceof DataView) &&
    typeof (value as Float32Array)[0] !== 'bigint' &&
    !/^Big/.test(kindName(value))
  ) {
    return value as NumericArray
  }
  const kind = kindName(value)
  throw bad(ArgumentError, what, `must be numbers, not a ${kind}`, 'numbers', kind)
}

const kindName = (value: ArrayBufferView) => Object.prototype.toString.call(value).slice(8, -1)

function natural(value: NumericArray): DType {
  return value instanceof Float32Array || value instanceof Float64Array || /^Float/.test(kindName(value))
    ? 'float32'
    : 'int32'
}

/** Values in an array of the dtype: floats rounded once, anything but 0 true, integers only when they are. */
function recast(
  values: NumericArray | readonly number[],
  dtype: DType,
  what: string,
  blank?: (index: number) => boolean,
): Data {
  const { Array: Target } = kindOf(dtype)
  const exact = values instanceof Target
  if (exact && dtype !== 'bool') return values as Data
  const data = new Target(values.length)
  for (let i = 0; i < data.length; i++) {
    const value = blank?.(i) ? 0 : values[i]!
    if (dtype === 'int32' && (value | 0) !== value) {
      throw bad(ArgumentError, `${what}:`, `${value} is no 32-bit integer`, 'a 32-bit integer', value)
    }
    data[i] = dtype === 'bool' ? (value !== 0 ? 1 : 0) : value
  }
  return data
}

function isView(value: unknown): value is ArrayBufferView {
  return ArrayBuffer.isView(value)
}

/** Sizes along the first elements; the rest is compared with them. */
function depth(value: unknown, what: string): number[] {
  const sizes: number[] = []
  let at = value
  while (true) {
    const array = arrayIn(at)
    if (array) return [...sizes, ...array.shape]
    if (isView(at)) return [...sizes, numeric(at, what).length]
    if (!Array.isArray(at)) return sizes
    sizes.push(at.length)
    at = at[0]
  }
}

function innermost(value: unknown): unknown {
  while (Array.isArray(value)) value = value[0]
  return value
}

function leafType(value: unknown): DType {
  const leaf = innermost(value)
  return arrayIn(leaf)?.dtype ?? (isView(leaf) ? natural(leaf as NumericArray) : 'float32')
}

function flatten(
  value: unknown,
  sizes: readonly number[],
  axis: number,
  flat: number[],
  place: string,
): void {
  const array = arrayIn(value)
  const ragged = () =>
    bad(
      ShapeError,
      place,
      `must ${axis < sizes.length ? `be ${sizes[axis]} long` : 'be a number'}, as the first ones are; it is ${
        Array.isArray(value) || isView(value) ? `${(value as { length?: number }).length} long` : show(value)
      }`,
      sizes.slice(axis),
      value,
    )
  if (array) {
    if (!fits(sizes.slice(axis), array.shape)) throw ragged()
    for (const number of array.data) flat.push(number)
  } else if (isView(value)) {
    const numbers = numeric(value, place)
    if (axis !== sizes.length - 1 || numbers.length !== sizes[axis]) throw ragged()
    for (const number of numbers) flat.push(number)
  } else if (Array.isArray(value)) {
    if (axis >= sizes.length || value.length !== sizes[axis]) throw ragged()
    value.forEach((item, i) => {
      flatten(item, sizes, axis + 1, flat, `${place}[${i}]`)
    })
  } else if (typeof value === 'number' || typeof value === 'boolean') {
    if (axis !== sizes.length) throw ragged()
    flat.push(Number(value))
  } else {
    const expected = axis ? 'a number' : 'numbers'
    throw bad(ArgumentError, place, `must be ${expected}, not ${show(value)}`, expected, value)
  }
}

/** The error of an argument: "add: a[0]" is the argument a[0]. */
const bad = (
  Class: typeof ArgumentError | typeof ShapeError,
  place: string,
  text: string,
  expected: unknown,
  actual: unknown,
) => new Class(`${place} ${text}`, { argument: place.replace(/^.*: |:$/g, ''), expected, actual })
