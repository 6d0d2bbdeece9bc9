/** Products and sums by the names of axes. */
import { mustBe, ShapeError, UnsupportedError } from '../errors.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import { cast } from './cast.js'
import { multiply } from './elementwise.js'
import { matmul } from './matmul.js'
import { type Like, type Operand, operateOne } from './operation.js'
import { sum } from './reduction.js'
import { expandDims, reshape, shape, squeeze, transpose } from './shaping.js'

/** A value whose axes have names, a letter each. */
interface Term {
  value: SymbolicTensor
  axes: string
}

/**
 * Sums of products as Einstein wrote them, `einsum('bij,bjk->bik', a, b)`: a letter names an axis, and over those that are not in the output is
 * summed. Without `->` the output has the letters that occur once, in the order of the alphabet. Several operands are taken from the left.
 * An ellipsis and a letter twice in one operand are not supported.
 */
export function einsum<X extends readonly Operand[]>(subscripts: string, ...operands: X): Like<X[number]> {
  const [, left, right] = /^([a-z,]*)(?:->([a-z]*))?$/i.exec(String(subscripts).replaceAll(' ', '')) ?? []
  const fail = (expected: string, Class?: typeof UnsupportedError) =>
    mustBe('einsum', 'subscripts', expected, subscripts, Class)
  if (left === undefined) throw fail("letters, as 'bij,bjk->bik'")
  const names = left.split(',')
  if (names.length !== operands.length) throw fail(`for ${operands.length} operands`)
  if (names.some(axes => new Set(axes).size !== axes.length))
    throw fail('without a letter twice in one operand', UnsupportedError)
  const once = [...new Set(names.join(''))].filter(axis => left.split(axis).length === 2)
  const out = right ?? once.sort().join('')
  if (new Set(out).size !== out.length || [...out].some(axis => !left.includes(axis)))
    throw fail('with each letter of the output once, and in an operand')
  const body = (values: readonly SymbolicTensor[]) => {
    const terms = values.map((value, i): Term => {
      const axes = names[i]!
      if (value.rank === axes.length) return { value: cast(value, 'float32'), axes }
      throw mustBe(
        'einsum',
        `operand ${i}`,
        `of ${axes.length} axes, as ${subscripts} says`,
        value,
        ShapeError,
      )
    })
    const all = terms.reduce((a, b, i) => product(a, b, out + names.slice(i + 1).join('')))
    return ordered(summed(all, out), out)
  }
  return operateOne<X[number]>(
    'einsum',
    operands,
    body,
    operands.map((_, i) => `operand ${i}`),
  )
}

/** The sum over the axes that are not in `kept`. */
function summed({ value, axes }: Term, kept: string): Term {
  const gone = [...axes].flatMap((axis, i) => (kept.includes(axis) ? [] : [i]))
  if (gone.length === 0) return { value, axes }
  return { value: sum(value, gone), axes: letters(axes, axis => kept.includes(axis)) }
}

function ordered({ value, axes }: Term, order: string): SymbolicTensor {
  return axes === order
    ? value
    : transpose(
        value,
        [...order].map(axis => axes.indexOf(axis)),
      )
}

const letters = (axes: string, wanted: (axis: string) => boolean) => [...axes].filter(wanted).join('')

/** The product, with axes of `kept` only: where they share others, a matrix product for each place along the axes that both keep. */
function product(first: Term, second: Term, kept: string): Term {
  const [a, b] = [summed(first, kept + second.axes), summed(second, kept + first.axes)]
  const shared = letters(a.axes, axis => b.axes.includes(axis))
  const own = ({ axes }: Term) => letters(axes, axis => !shared.includes(axis))
  const [left, right] = [own(a), own(b)]
  const both = letters(shared, axis => kept.includes(axis))
  const over = letters(shared, axis => !kept.includes(axis))
  // what has the first axis of the output comes first, so that rows stay in front
  if (!both && right.includes(kept[0]!)) return product(b, a, kept)
  const axes = both + left + right
  if (!over) {
    let [x, y] = [ordered(a, both + left), ordered(b, both + right)]
    for (const _ of right) x = expandDims(x, -1)
    for (const _ of left) y = expandDims(y, both.length)
    return { value: multiply(x, y), axes }
  }
  const at = both.length
  let x = merge(ordered(a, both + left + over), at + left.length, over.length)
  // axes of the first alone stay apart where they can
  const together = both !== '' || left === ''
  if (together) x = merge(x, at, left.length)
  const y = merge(merge(ordered(b, both + over + right), at, over.length), at + 1, right.length)
  let value = matmul(x, y)
  const sizes = (term: Term, own: string) => [...own].map(axis => term.value.shape[term.axes.indexOf(axis)]!)
  value = part(value, value.rank - 1, sizes(b, right))
  return { value: together ? part(value, at, sizes(a, left)) : value, axes }
}

/** `count` axes as one; none as one of size 1. */
function merge(x: SymbolicTensor, at: number, count: number): SymbolicTensor {
  if (count === 0) return expandDims(x, at)
  const sizes = shape(x)
  const size = x.shape.slice(at, at + count).reduce((all, each) => all! * each!)
  return count === 1 ? x : reshape(x, [...sizes.slice(0, at), size || -1, ...sizes.slice(at + count)])
}

/** The other way: one axis as those of these sizes. */
function part(x: SymbolicTensor, at: number, parts: readonly (number | null)[]): SymbolicTensor {
  if (parts.length === 0) return squeeze(x, at)
  const sizes = shape(x)
  const into = parts.map(size => size ?? -1)
  return parts.length === 1 ? x : reshape(x, [...sizes.slice(0, at), ...into, ...sizes.slice(at + 1)])
}
