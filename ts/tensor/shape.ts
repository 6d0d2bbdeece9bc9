/** Shapes and dtypes. */
import { mustBe, ShapeError, show, UnsupportedError } from '../errors.js'
import { Dtype } from '../generated/enums.js'

/** Sizes of the axes; null where a size is not known while a model is described. */
export type Shape = readonly (number | null)[]

const whole = new WeakSet<object>()

/** A shape that is one thing where an array would be a list: `stateSize: shape(4, 4)` is a matrix, `[4, 4]` two vectors. */
export interface WholeShape extends Shape {
  readonly $shape: true
}

/** A shape: `shape(4, 4)`, `shape(null, 5)`. */
export function shape(...sizes: (number | null)[]): WholeShape {
  whole.add(sizes)
  return Object.freeze(sizes) as unknown as WholeShape
}

/** Whether `shape()` made it. */
export function isWholeShape(value: unknown): value is WholeShape {
  return whole.has(value as object)
}

/** All arithmetic is in float32; ids are int32, masks bool. */
export type DType = 'float32' | 'int32' | 'bool'

/** Typed arrays whose memory is shared with no other thread, which TypeScript tells apart from 5.7 on. */
export type Floats = ReturnType<Float32ArrayConstructor['of']>
export type Bytes = ReturnType<Uint8ArrayConstructor['of']>

/** The numbers of a tensor; bool is one byte, 0 or 1, for each element. */
export type Data = Float32Array | Int32Array | Uint8Array

interface Kind {
  /** The engine's number. */
  code: Dtype
  Array: { new (length: number): Data; new (buffer: ArrayBufferLike, offset: number, length: number): Data }
}

const kinds: Record<DType, Kind> = {
  float32: { code: Dtype.Float32, Array: Float32Array },
  int32: { code: Dtype.Int32, Array: Int32Array },
  bool: { code: Dtype.Bool, Array: Uint8Array },
}

/** What the engine and the JavaScript heap call a dtype. */
export function kindOf(dtype: DType): Kind {
  const kind = Object.hasOwn(kinds, dtype) ? kinds[dtype] : undefined
  if (kind) return kind
  throw new UnsupportedError(`dtype ${show(dtype)} is not supported; there are float32, int32 and bool`, {
    argument: 'dtype',
    expected: Object.keys(kinds),
    actual: dtype,
  })
}

/** The dtype of the engine's number. */
export function dtypeOf(code: number): DType {
  return (Object.keys(kinds) as DType[])[code]!
}

/** Number of elements of a known shape. */
export function sizeOf(shape: Shape): number {
  return shape.reduce<number>((product, size) => product * (size ?? Number.NaN), 1)
}

/** The most that a word of a record says without wrapping. */
export const maxSize = 2 ** 31 - 1

/** What shapes must be, for messages. */
export const sizes = `of known sizes up to ${maxSize}`

/** Whether it is a number of elements that the engine can count. */
export function isSize(size: unknown): size is number {
  return Number.isInteger(size) && (size as number) >= 0 && (size as number) <= maxSize
}

/** Whether it is a size of at least 1. */
export function isCount(size: unknown): size is number {
  return isSize(size) && size > 0
}

/** What such sizes must be, for messages. */
export const counts = `a positive integer up to ${maxSize}`

/** The shape, or a ShapeError when it is no list of sizes. */
export function known(shape: Shape, what: string): readonly number[] {
  if (list(what, 'shape', shape).every(isSize)) return shape as readonly number[]
  throw mustBe(what, 'shape', sizes, shape, ShapeError)
}

/** An argument that must be an array: axes, sizes, tensors. */
export function list<T>(what: string, argument: string, value: readonly T[]): readonly T[] {
  if (Array.isArray(value)) return value
  throw mustBe(what, argument, 'an array', value)
}

/** An axis counted from the start; negative ones count from the end. */
export function axisOf(axis: number, rank: number, what: string): number {
  if (Number.isInteger(axis) && axis >= -rank && axis < rank) return axis < 0 ? axis + rank : axis
  throw mustBe(what, 'axis', rank ? `in -${rank} … ${rank - 1}` : 'left out', axis)
}

/** Whether sizes may be the same; unknown ones may be any. */
export function fits(pattern: Shape, shape: Shape): boolean {
  return (
    pattern.length === shape.length &&
    pattern.every((size, axis) => size === null || shape[axis] === null || size === shape[axis])
  )
}
