/** What consoles print. */

/** What Node.js and its like call to print an object. */
export const inspectSymbol: unique symbol = Symbol.for('nodejs.util.inspect.custom')

/** What they give it as its third argument. */
export type Print = (value: unknown, options: object) => string
