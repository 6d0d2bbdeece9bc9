/**
 * Options of layers, cells and initializers, declared once: a table of fields reads what the user gave
 * (checked, defaults filled in), writes Keras's config and reads it back.
 */
import { ArgumentError, type ErrorDetails, show, UnsupportedError } from '../errors.js'
import { counts, isCount, isSize } from '../tensor/shape.js'
import { camelCase, hint, snakeCase } from './names.js'
import { isPlain } from './structure.js'

/** Where a value stands, for messages. */
export interface Place {
  layer: string
  argument: string
}

/** One option: its default (`required` when there is none), its check, and its form in a config. */
export interface Field<T = unknown> {
  default: T | typeof required
  read(value: unknown, place: Place): T
  /** The config's value; a field without `write` is not part of the config. */
  write?(value: T): unknown
}

export type Fields = Readonly<Record<string, Field>>

export const required = Symbol('required')

/** Refuses what is no object of options, and names that are not known. `method` is the layer's that takes them. */
export function checkOptions(
  layer: string,
  options: unknown,
  known: readonly string[],
  method?: string,
  example = known[0],
): void {
  const who = method === undefined ? layer : `${layer}: ${method}`
  if (!isPlain(options)) {
    const takes = example === undefined ? 'no options' : `one object of options, as { ${example} }`
    throw new ArgumentError(`${who} takes ${takes}, not ${show(options)}`, {
      layer,
      argument: 'options',
      expected: known,
      actual: options,
    })
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    throw new ArgumentError(`${who} has no option "${name}"${hint(name, known)}`, { layer, argument: name })
  }
}

/** Checks `options` against `fields`: unknown names and missing values throw, defaults are filled in. */
export function readOptions(layer: string, fields: Fields, options: object): Record<string, unknown> {
  const needed = Object.keys(fields).filter(name => fields[name]!.default === required)
  checkOptions(layer, options, Object.keys(fields), undefined, needed.join(', ') || undefined)
  const given = options as Record<string, unknown>
  const values: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) {
    const value = given[name]
    if (value !== undefined) values[name] = field.read(value, { layer, argument: name })
    else if (field.default === required) {
      throw new ArgumentError(`${layer} needs "${name}"`, { layer, argument: name })
    } else values[name] = field.default
  }
  return values
}

/** The config of `values`, with Keras's names. */
export function writeConfig(fields: Fields, values: object): Record<string, unknown> {
  const config: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) {
    if (!field.write) continue
    const written = field.write((values as Record<string, unknown>)[name])
    if (written !== undefined) config[snakeCase(name)] = written
  }
  return config
}

/** A config's names in camelCase, its values untouched. */
export function configOptions(
  config: Readonly<Record<string, unknown>>,
  layer = '',
): Record<string, unknown> {
  if (!isPlain(config)) return reject({ layer, argument: 'config' }, 'an object', config)
  return Object.fromEntries(Object.entries(config).map(([name, value]) => [camelCase(name), value]))
}

/** Throws an error that says what was expected at `place`. */
export function reject(
  place: Place,
  expected: string,
  actual: unknown,
  Class: new (message: string, details: ErrorDetails) => Error = ArgumentError,
): never {
  throw new Class(`${place.layer}: ${place.argument} must be ${expected}, not ${show(actual)}`, {
    ...place,
    expected,
    actual,
  })
}

/** A field from a check of its values, written as they are. */
export function field<T>(
  initial: NoInfer<T> | typeof required,
  expected: string,
  check: (value: unknown) => boolean,
): Field<T> {
  return {
    default: initial,
    read: (value, place) => (check(value) ? (value as T) : reject(place, expected, value)),
    write: value => value,
  }
}

export const flag = (initial: boolean): Field<boolean> =>
  field(initial, 'true or false', value => typeof value === 'boolean')

export const count = (initial: number | typeof required = required): Field<number> =>
  field(initial, counts, isCount)

export const whole = (initial: number): Field<number> =>
  field(initial, 'an integer from 0', value => Number.isSafeInteger(value) && (value as number) >= 0)

export const number = (initial: number | typeof required): Field<number> =>
  field(initial, 'a number', value => typeof value === 'number')

/** A share between 0 and 1 (dropout rates). */
export const rate = (initial: number | typeof required): Field<number> =>
  field(initial, 'a number from 0 to 1', value => typeof value === 'number' && value >= 0 && value <= 1)

export const nullable = <T>(inner: Field<T>): Field<T | null> => ({
  default: null,
  read: (value, place) => (value === null ? null : inner.read(value, place)),
  write: value => (value === null ? null : inner.write?.(value)),
})

export const choice = <T extends string | number | boolean>(initial: T, ...allowed: T[]): Field<T> =>
  field(initial, `one of ${allowed.map(String).join(', ')}`, value => allowed.includes(value as T))

/** One of a few words, in camelCase or snake_case; kept in snake_case as Keras writes it. */
export const keyword = (initial: string, ...others: string[]): Field<string> => ({
  default: initial,
  read: (value, place) => {
    const word = typeof value === 'string' ? snakeCase(value) : value
    const allowed = [initial, ...others]
    return allowed.includes(word as string)
      ? (word as string)
      : reject(place, `one of ${allowed.join(', ')}`, value)
  },
  write: value => value,
})

export const text: Field<string> = field(
  required,
  'a non-empty string',
  value => typeof value === 'string' && value !== '',
)

/** A list of values. */
export const list: Field<readonly unknown[]> = field(required, 'an array', Array.isArray)

/** A list of positive integers with null where a size is unknown. */
export const dims: Field<(number | null)[]> = field(
  required,
  'an array of sizes, null where unknown',
  value => Array.isArray(value) && value.every(size => size === null || isSize(size)),
)

/** Part of a config or constructor, but not of what is written. */
export const unwritten = <T>(inner: Field<T>): Field<T> => ({ default: inner.default, read: inner.read })

/** Written only when it differs from its default. */
export const sparing = <T>(inner: Field<T>): Field<T> => ({
  ...inner,
  write: value => (value === inner.default ? undefined : inner.write?.(value)),
})

/** An option that has only its default value so far; another one is an UnsupportedError. */
export const only = <T>(value: T, write = false): Field<T> => ({
  default: value,
  read: (given, place) => {
    if (given === value) return value
    throw new UnsupportedError(
      `${place.layer}: ${place.argument} ${show(given)} is not supported, only ${show(value)}`,
      { ...place, expected: value, actual: given },
    )
  },
  ...(write && { write: (kept: T) => kept }),
})
