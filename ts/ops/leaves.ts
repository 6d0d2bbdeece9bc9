/** Arguments and values of functions made of ops: tensors, or arrays and plain objects of such. */
import { isPlain, mapValues } from '../plain.js'
import { isArray } from '../tensor/ndarray.js'
import type { Operand } from './operation.js'

/** Arrays and plain objects of tensors with other leaves. */
export type Leaves<T, Leaf> = T extends Operand
  ? Leaf
  : T extends object
    ? { [K in keyof T]: Leaves<T[K], Leaf> }
    : Leaf

/** Arrays are leaves if there are but numbers in them. */
export function mapLeaves<U>(value: unknown, map: (leaf: unknown) => U): unknown {
  if (Array.isArray(value) && !isNumbers(value)) return value.map(item => mapLeaves(item, map))
  return isPlain(value) ? mapValues(value, item => mapLeaves(item, map)) : map(value)
}

/** Arrays of numbers, which are data. */
export const isNumbers = (value: unknown): boolean =>
  Array.isArray(value)
    ? value.length > 0 && value.every(isNumbers)
    : /^(number|boolean)$/.test(typeof value) || ArrayBuffer.isView(value) || isArray(value)
