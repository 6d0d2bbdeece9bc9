/** Names in their three spellings (`returnSequences`, `return_sequences`, `ReturnSequences`), and the nearest known one. */

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

/** The known name that needs the fewest edits (a beginning of a name needs one), or undefined when none is close. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  const target = name.toLowerCase().replace(/_/g, '')
  let best: string | undefined
  let bound = Math.max(3, Math.ceil(target.length / 2))
  for (const candidate of known) {
    const name = candidate.toLowerCase().replace(/_/g, '')
    const distance = name.startsWith(target) || target.startsWith(name) ? 1 : edits(target, name)
    if (distance < bound) {
      best = candidate
      bound = distance
    }
  }
  return best
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
