/** Arrays that left the engine for good: they live on the JavaScript heap, and nothing is to be disposed. */
import { mustBe, ShapeError, show } from '../errors.js'
import { isPosted } from '../plain.js'
import { inspectSymbol, type Print } from './printed.js'
import { type Data, type DType, type Floats, known, sizeOf } from './shape.js'

/** Numbers in nested arrays as deep as the shape. */
export type NestedArray = number | boolean | NestedArray[]

/** What the kinds of arrays hold; told apart by name, as arrays of another realm are no instances. */
const dtypes: Record<string, DType> = { Float32Array: 'float32', Int32Array: 'int32', Uint8Array: 'bool' }

/** Numbers with a shape, row by row. Without a type argument they are float32, in memory that is shared with no other thread. */
export class NdArray<D extends Data = Floats> {
  readonly data: D
  readonly shape: readonly number[]
  readonly dtype: DType

  /** `data` is kept, not copied; the dtype is that of its kind of array (Uint8Array is bool). */
  constructor(data: D, shape: readonly number[]) {
    const dtype = dtypes[data?.[Symbol.toStringTag]]
    if (!dtype) throw mustBe('NdArray', 'data', 'a Float32Array, Int32Array or Uint8Array', data)
    const size = sizeOf(known(shape, 'NdArray'))
    if (size !== data.length) throw mustBe('NdArray', 'data', `${size} numbers`, data.length, ShapeError)
    this.data = data
    this.shape = shape
    this.dtype = dtype
  }

  /** As nested arrays; bool as true and false. */
  array(): NestedArray {
    return nest(this.data, this.shape, this.dtype)
  }

  /** The only element. */
  item(): number | boolean {
    return only(this.data, this.shape, this.dtype)
  }

  /** JSON has the nested arrays. */
  toJSON(): NestedArray {
    return this.array()
  }

  toString(): string {
    return `NdArray ${this.dtype} ${show(this.shape)}`
  }

  /** @internal */
  [inspectSymbol](_depth: number, options: object, print: Print): string {
    return `${this} ${print(this.array(), options)}`
  }
}

/** An array as it is, or anew from what posting has left of it; undefined when it is none. */
export function arrayIn(value: unknown): NdArray<Data> | undefined {
  if (value instanceof NdArray) return value
  return isPosted(value) ? new NdArray(value.data, value.shape) : undefined
}

/** Whether it is an array, or was one before it was posted. */
export const isArray = (value: unknown): boolean => value instanceof NdArray || isPosted(value)

/** The only element of `data`. */
export function only(data: Data, shape: readonly number[], dtype: DType): number | boolean {
  if (data.length !== 1) throw mustBe('item()', 'shape', 'that of one element', shape)
  return dtype === 'bool' ? data[0] !== 0 : data[0]!
}

/** Nested arrays of `data`, row by row. */
export function nest(data: Data, shape: readonly number[], dtype: DType): NestedArray {
  let at = 0
  const level = (axis: number): NestedArray => {
    if (axis < shape.length) return Array.from({ length: shape[axis]! }, () => level(axis + 1))
    const value = data[at++]!
    return dtype === 'bool' ? value !== 0 : value
  }
  return level(0)
}
