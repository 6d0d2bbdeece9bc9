/** A clip in the terminal: its loudness, and how the probabilities of the digits grow while the word is spoken. */
import type { Recognition } from './recognizer.js'

const levels = ' ▁▂▃▄▅▆▇█'
const widest = 60
/** Digits that never become more probable than this share a row. */
const faint = 0.3

const color = process.stdout.isTTY === true && process.env.NO_COLOR === undefined
const paint = (code: string, text: string): string => (color ? `\x1b[${code}m${text}\x1b[0m` : text)
export const bold = (text: string): string => paint('1', text)
export const dim = (text: string): string => paint('2', text)
const green = (text: string): string => paint('32', text)
const cyan = (text: string): string => paint('36', text)

/** Rows over time: the sound, each digit that was ever in question, and the others together. */
export function picture({ digit, steps, loudness }: Recognition): string {
  const loudest = Math.max(...loudness, 1e-9)
  const rows = [`  ${dim('sound ')} ${cyan(curve(loudness.map(value => value / loudest)))}`]
  const others = steps.map(() => 0)
  for (let d = 0; d < 10; d++) {
    const probabilities = steps.map(step => step[d]!)
    if (d === digit) rows.push(`  ${bold(`${d}     `)} ${green(withLast(probabilities))}`)
    else if (Math.max(...probabilities) >= faint) rows.push(`  ${d}      ${withLast(probabilities)}`)
    else for (const [t, p] of probabilities.entries()) others[t]! += p
  }
  rows.push(dim(`  others ${withLast(others)}`))
  return rows.join('\n')
}

const withLast = (probabilities: readonly number[]): string =>
  `${curve(probabilities)} ${percent(probabilities.at(-1)!)}`

/** Values in [0, 1] as blocks, at most `widest` of them: of several values in one place the largest shows. */
function curve(values: readonly number[]): string {
  const width = Math.min(widest, values.length)
  return Array.from({ length: width }, (_, i) => {
    const from = Math.floor((i * values.length) / width)
    const to = Math.floor(((i + 1) * values.length) / width)
    const value = Math.max(...values.slice(from, to))
    return levels[Math.round(Math.min(value, 1) * (levels.length - 1))]
  }).join('')
}

export const percent = (p: number): string => `${(p * 100).toFixed(1)} %`.padStart(7)
