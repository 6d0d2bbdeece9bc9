/** Arguments and values of functions made of ops: tensors, or arrays and plain objects of such. */
import { NdArray } from '../tensor/ndarray.js'
import type { Operand } from './operation.js'

/** Arrays and plain objects of tensors with other leaves. */
export type Leaves<T, Leaf> = T extends Operand
  ? Leaf
  : T extends object
    ? { [K in keyof T]: Leaves<T[K], Leaf> }
    : Leaf

/** True for `{}`-like objects. */
export const isPlain = (value: unknown): value is object =>
  Object(value) === value && [Object.prototype, null].includes(Object.getPrototypeOf(value))

/** Arrays are leaves if there are but numbers in them. */
export function mapLeaves<U>(value: unknown, map: (leaf: unknown) => U): unknown {
  if (Array.isArray(value) && !isNumbers(value)) return value.map(item => mapLeaves(item, map))
  if (!isPlain(value)) return map(value)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapLeaves(item, map)]))
}

/** Arrays of numbers, which are data. */
export const isNumbers = (value: unknown): boolean =>
  Array.isArray(value)
    ? value.length > 0 && value.every(isNumbers)
    : /^(number|boolean)$/.test(typeof value) || ArrayBuffer.isView(value) || value instanceof NdArray
