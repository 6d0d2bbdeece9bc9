/** Nested arrays and plain objects of leaves: the form of inputs, outputs, states and masks. */
import { isWholeShape } from '../tensor/shape.js'

/** A leaf, or arrays and plain objects of such, to any depth. */
export type Nested<T> = T | readonly Nested<T>[] | { readonly [name: string]: Nested<T> }

/** True for `{}`-like objects, not for class instances. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** The same structure with every leaf mapped. Whatever is no array and no plain object is a leaf; so is `shape(…)`. */
export function mapNested<U>(value: unknown, map: (leaf: unknown) => U): Nested<U> {
  if (Array.isArray(value) && !isWholeShape(value)) return value.map(item => mapNested(item, map))
  if (!isPlain(value)) return map(value)
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, mapNested(item, map)]))
}

/** The leaves, depth first, objects in insertion order. */
export function leaves<T>(value: Nested<T>): T[] {
  const found: T[] = []
  mapNested(value, leaf => found.push(leaf as T))
  return found
}

/** Puts `flat` (depth first) into the form of `structure`. */
export function pack<U>(structure: unknown, flat: readonly U[]): Nested<U> {
  let next = 0
  return mapNested(structure, () => flat[next++] as U)
}
