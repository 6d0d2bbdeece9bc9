/** Sizes of states, and states in their structure. */
import { isCount, isWholeShape, type Shape, shape, type WholeShape } from '../tensor/shape.js'
import { isPlain, leaves, mapValues, type Nested, pack } from './structure.js'

/** The size of one state, `shape(…)` for one with more axes, or arrays and objects of sizes. */
export type StateSize = number | WholeShape | readonly StateSize[] | { readonly [name: string]: StateSize }

/** Units of an output, or its shape, any array of sizes; of several outputs, arrays and objects of these. */
export type OutputSize = number | Shape | readonly OutputSize[] | { readonly [name: string]: OutputSize }

/** The shapes of the outputs without the batch, in their structure. */
export function outputShapes(size: OutputSize): Nested<WholeShape> {
  if (isPlain(size)) return mapValues(size as Record<string, OutputSize>, outputShapes)
  if (!Array.isArray(size)) return typeof size === 'number' ? shape(size) : (size as never)
  const whole = size.every(each => each === null || typeof each === 'number')
  return whole ? shape(...(size as Shape)) : size.map(outputShapes)
}

/** The shapes of the states without the batch, flat. */
export function stateShapes(size: StateSize): Shape[] {
  return leaves<number | WholeShape>(size as Nested<number | WholeShape>).map(leaf =>
    typeof leaf === 'number' ? [leaf] : leaf,
  )
}

/** Whether it can be the size of states. */
export function isStateSize(value: unknown): boolean {
  if (isWholeShape(value)) return value.every(size => size === null || isCount(size))
  if (Array.isArray(value)) return value.every(isStateSize)
  return isPlain(value) ? Object.values(value).every(isStateSize) : isCount(value)
}

/** States as a cell takes them: in the structure of their sizes, one alone in a list. */
export function statesFor<T>(size: StateSize, flat: readonly T[]): Nested<T> {
  return typeof size === 'number' || isWholeShape(size) ? flat : pack(size, flat)
}

/** The entries of a list of states; what is no list is the only entry. */
export function stateList<T>(structure: T | readonly T[]): readonly T[] {
  return Array.isArray(structure) && !isWholeShape(structure) ? structure : [structure as T]
}

/** The leaves of `value` when it has the structure of `size`; one state alone may stand in a list or not. */
export function stateLeaves(size: StateSize, value: unknown): unknown[] | undefined {
  if (typeof size === 'number' || isWholeShape(size))
    return Array.isArray(value) ? (value.length === 1 ? value : undefined) : [value]
  const names = Object.keys(size)
  if (Array.isArray(size) && size.length === 1 && !Array.isArray(value)) return [value]
  if (Array.isArray(size) ? !Array.isArray(value) : !isPlain(value)) return undefined
  if (Object.keys(value as object).length !== names.length) return undefined
  const found: unknown[] = []
  for (const name of names) {
    const inner = stateLeaves(
      (size as Record<string, StateSize>)[name]!,
      (value as Record<string, unknown>)[name],
    )
    if (!inner) return undefined
    found.push(...inner)
  }
  return found
}
