/** Objects that only hold things together. */

/** True for `{}`-like objects, not for class instances. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** The same object with every value mapped. */
export function mapValues<T, U>(
  object: { readonly [name: string]: T },
  map: (value: T) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, map(value)]))
}
