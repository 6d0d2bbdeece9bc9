/** Nested arrays and plain objects of leaves: the form of inputs, outputs, states and masks. */
import { isPlain, mapValues } from '../plain.js'
import { isWholeShape } from '../tensor/shape.js'

export { isPlain, mapValues }

/** A leaf, or arrays and plain objects of such, to any depth. */
export type Nested<T> = T | readonly Nested<T>[] | { readonly [name: string]: Nested<T> }

/** The same structure with every leaf mapped. Whatever is no array and no plain object is a leaf; so is `shape(…)`. */
export function mapNested<U>(value: unknown, map: (leaf: unknown) => U): Nested<U> {
  if (Array.isArray(value) && !isWholeShape(value)) return value.map(item => mapNested(item, map))
  return isPlain(value) ? mapValues(value, item => mapNested(item, map)) : map(value)
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
