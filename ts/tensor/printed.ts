/** What consoles print. */

/** Has Node.js and its like print `String(object)`, and behind it the values, if there are any. */
export function printed<T extends object>(Class: { prototype: T }, values?: (object: T) => unknown): void {
  Object.defineProperty(Class.prototype, Symbol.for('nodejs.util.inspect.custom'), {
    value(this: T, _depth: number, options: object, inspect: (value: unknown, options: object) => string) {
      const shown = values?.(this)
      return shown === undefined ? String(this) : `${this} ${inspect(shown, options)}`
    },
  })
}
