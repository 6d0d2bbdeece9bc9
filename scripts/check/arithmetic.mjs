import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../setup/run.mjs'
import { files } from '../setup/stamp.mjs'

/** Exact everywhere: IEEE 754 or integers. */
const exact = /^(sqrt|fround|floor|ceil|round|trunc|min|max|abs|sign|imul|clz32|[A-Z0-9_]+)$/

const excuse = /\/\/ inexact: \S+/ // then says where the number goes

/**
 * Engines compute sines, exponentials and powers differently, so numbers that reach a tensor must not come from them
 * (and never from Math.random). Where such a number goes nowhere near a tensor, a comment `// inexact: why` on that line
 * or the line above allows it.
 */
export function arithmetic() {
  const complaints = []
  let passed = 0
  for (const path of files(['ts'], name => name.endsWith('.ts') && !name.startsWith('ts/generated/'))) {
    const before = complaints.length
    const lines = readFileSync(join(root, path), 'utf8').split('\n')
    lines.forEach((line, i) => {
      if (/^\s*(\*|\/\*|\/\/)/.test(line) || excuse.test(line) || excuse.test(lines[i - 1] ?? '')) return
      const code = line.replace(/\/\/.*$|\/\*.*?\*\//g, '').replace(/'(?:[^'\\]|\\.)*'/g, "''")
      const found = [...code.matchAll(/\bMath\b(?:\.(\w+))?/g)].filter(
        ([, name]) => !name || !exact.test(name),
      )
      for (const [use] of found) complaints.push(`${path}:${i + 1}: ${use} is not the same in every engine`)
      if (/\*\*/.test(code.replace(/\b\d+ \*\* \d+/g, '')))
        complaints.push(`${path}:${i + 1}: ** is not the same in every engine`)
    })
    if (complaints.length === before) passed++
  }
  return { passed, complaints }
}
