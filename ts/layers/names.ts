/** Names in their three spellings (`returnSequences`, `return_sequences`, `ReturnSequences`), and the nearest known one. */
import { ArgumentError, show } from '../errors.js'

/** `SimpleRNN` -> `simple_rnn`, `returnSequences` -> `return_sequences`: Keras's own rule. */
export function snakeCase(name: string): string {
  return name
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
}

/** `return_sequences` -> `returnSequences`; a camelCase name stays as it is. */
export function camelCase(name: string): string {
  return name.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/** `glorotUniform`, `glorot_uniform`, `GlorotUniform` -> `GlorotUniform`. */
export function pascalCase(name: string): string {
  const camel = camelCase(name)
  return camel.charAt(0).toUpperCase() + camel.slice(1)
}

/** What Keras 1 called arguments, where it is not like their names now. */
export const renamed: Readonly<Record<string, string>> = {
  output_dim: 'units',
  inner_activation: 'recurrent_activation',
  init: 'kernel_initializer',
  inner_init: 'recurrent_initializer',
  dropout_U: 'recurrent_dropout',
  bias: 'use_bias',
  consume_less: 'implementation',
}

const plain = (name: string) => name.toLowerCase().replace(/_/g, '')

/**
 * The known name that needs the fewest edits (what is the beginning of a name, or has one at its beginning or end, needs one), or
 * what Keras 1 called so; undefined when none is close.
 */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  const target = plain(name)
  const now = Object.entries(renamed).find(([old]) => plain(old) === target)?.[1]
  let best: string | undefined
  let bound = Math.max(3, Math.ceil(target.length / 2))
  for (const candidate of known) {
    const name = plain(candidate)
    if (now !== undefined && name === plain(now)) return candidate
    const part = target.startsWith(name) || (name.length > 3 && target.endsWith(name))
    const start = 1 + edits(target, name.slice(0, target.length))
    const distance = part ? 1 : Math.min(start, edits(target, name))
    if (distance < bound) {
      best = candidate
      bound = distance
    }
  }
  return best
}

/** The error of a name that is none of those that are known: `${text} "name"`. */
export function unknownName(
  layer: string,
  argument: string,
  text: string,
  name: unknown,
  known: readonly string[],
): ArgumentError {
  const near = typeof name === 'string' ? hint(name, known) : ''
  const details = { layer, argument, expected: known, actual: name }
  return new ArgumentError(`${layer}${text} ${show(name)}${near}`, details)
}

/** ` (did you mean "units"?)`, or nothing. */
export function hint(name: string, known: Iterable<string>): string {
  const match = nearest(name, known)
  return match === undefined ? '' : ` (did you mean "${match}"?)`
}

function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + change))
    }
    row = next
  }
  return row[b.length]!
}
