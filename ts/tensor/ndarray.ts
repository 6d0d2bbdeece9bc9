/** Arrays that left the engine for good: they live on the JavaScript heap, and nothing is to be disposed. */
import { ArgumentError, ShapeError, show } from '../errors.js'
import { printed } from './printed.js'
import { type Data, type DType, known, sizeOf } from './shape.js'

/** Numbers in nested arrays as deep as the shape. */
export type NestedArray = number | boolean | NestedArray[]

/** What the kinds of arrays hold; told apart by name, as arrays of another realm are no instances. */
const dtypes: Record<string, DType> = { Float32Array: 'float32', Int32Array: 'int32', Uint8Array: 'bool' }

/** Numbers with a shape, row by row. */
export class NdArray<D extends Data = Float32Array> {
  readonly data: D
  readonly shape: readonly number[]
  readonly dtype: DType

  /** `data` is kept, not copied; the dtype is that of its kind of array (Uint8Array is bool). */
  constructor(data: D, shape: readonly number[]) {
    const dtype = dtypes[data?.[Symbol.toStringTag]]
    if (!dtype) {
      const expected = Object.keys(dtypes).join(', ')
      throw new ArgumentError(`the data of an NdArray must be one of ${expected}, not ${show(data)}`, {
        argument: 'data',
        expected,
        actual: data,
      })
    }
    if (sizeOf(known(shape, 'the shape of an NdArray')) !== data.length) {
      throw new ShapeError(`${data.length} numbers do not fill the shape ${show(shape)}`, {
        argument: 'shape',
        expected: shape,
        actual: data.length,
      })
    }
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
}

/** What a console shows: it shortens nested arrays and typed ones, but the nested ones have to be made. */
export const brief = (array: NdArray<Data>): Data | NestedArray =>
  array.data.length > 1000 ? array.data : array.array()
printed(NdArray, brief)

/** The only element of `data`. */
export function only(data: Data, shape: readonly number[], dtype: DType): number | boolean {
  if (data.length !== 1) {
    throw new ArgumentError(`item() needs one element, but the shape is ${show(shape)}`, {
      expected: 1,
      actual: data.length,
    })
  }
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
