/** Objects that only hold things together. */
import type { Values } from './tensor/convert.js'

/** True for `{}`-like objects, not for class instances, nor for arrays that were posted. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  return isBare(value) && !isPosted(value)
}

/** What `postMessage` and `structuredClone` leave of an NdArray: these three, and no methods. One of another copy of the package has them too. */
export function isPosted(value: unknown): value is Values {
  return (
    isObject(value) &&
    typeof value.dtype === 'string' && // which no input of a model, given by name, can be
    ArrayBuffer.isView(value.data) &&
    Array.isArray(value.shape) &&
    Object.keys(value).length === 3
  )
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

function isBare(value: unknown): value is Record<string, unknown> {
  if (!isObject(value)) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** What an object has by this name itself, not what all objects have. */
export function ownValue<T>(object: { readonly [name: string]: T }, name: string): T | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

/** The same object with every value mapped. */
export function mapValues<T, U>(
  object: { readonly [name: string]: T },
  map: (value: T) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, map(value)]))
}
