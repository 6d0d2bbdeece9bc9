/** What layers own: it stands in their properties. */
import { isPlain } from './structure.js'

/** What `value` is or holds, in arrays, plain objects and Maps too, in order. */
export function found<T>(value: unknown, is: (value: unknown) => value is T): T[] {
  if (is(value)) return [value]
  if (Array.isArray(value)) return value.flatMap(item => found(item, is))
  if (value instanceof Map) return found([...value.values()], is)
  return isPlain(value) ? found(Object.values(value), is) : []
}
