/** Repeating, padding and taking apart. Sizes may be such that are not known while tracing. */
import { mustBe, UnsupportedError } from '../errors.js'
import { axisOf, isSize, list } from '../tensor/shape.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import { cast } from './cast.js'
import { full } from './creation.js'
import { add } from './elementwise.js'
import { type Like, type Operand, operate, operateOne } from './operation.js'
import { scan } from './scan.js'
import { broadcastTo, concatenate, expandDims, reshape, split, squeeze, transpose } from './shaping.js'
import { sizeAlong } from './trace.js'

/** The parts along an axis, without it. */
export function unstack<X extends Operand>(x: X, num?: number | null, axis = 0): Like<X>[] {
  return operate('unstack', [x], ([x]) => {
    const at = axisOf(axis, x!.rank, 'unstack')
    const count = x!.shape[at] ?? num
    if (count == null || (num ?? count) !== count)
      throw mustBe('unstack', 'num', `the size of axis ${axis}`, num)
    const starts = Array.from({ length: count }, (_, i) => i)
    return split(x!, starts.slice(1), at).map(part => squeeze(part, at))
  }) as Like<X>[]
}

/** `count` times along axis `at`: the whole of it each time, or every element by itself. */
function copies(x: SymbolicTensor, count: number, at: number, whole: boolean): SymbolicTensor {
  if (count === 1) return x
  const sizes = x.shape.map((_, axis) => sizeAlong(x, axis))
  const place = at + Number(!whole)
  const all = broadcastTo(expandDims(x, place), [...sizes.slice(0, place), count, ...sizes.slice(place)])
  const known = x.shape[at]
  const from = (axis: number) => sizeAlong(all, axis)
  const behind = sizes.slice(at + 1).map((_, i) => from(at + 2 + i))
  return reshape(all, [
    ...sizes.slice(0, at).map((_, i) => from(i)),
    known == null ? -1 : known * count,
    ...behind,
  ])
}

/** All of x, again and again: as often as `repeats` says, axis by axis. */
export function tile<X extends Operand>(x: X, repeats: readonly number[]): Like<X> {
  const counts = list<number>('tile', 'repeats', repeats)
  if (!counts.every(count => isSize(count) && count > 0))
    throw mustBe('tile', 'repeats', 'positive integers', repeats)
  return operateOne('tile', [x], ([x]) => {
    const added = counts.length - x!.rank
    let y = x!
    for (let i = 0; i < added; i++) y = expandDims(y, 0)
    const every = [...Array<number>(Math.max(0, -added)).fill(1), ...counts]
    return every.reduce((y, count, axis) => copies(y, count, axis, true), y)
  })
}

/** Every element `repeats` times along an axis; without one, in the flattened tensor. */
export function repeat<X extends Operand>(x: X, repeats: number, axis?: number | null): Like<X> {
  if (!(isSize(repeats) && repeats > 0)) throw mustBe('repeat', 'repeats', 'a positive integer', repeats)
  return operateOne('repeat', [x], ([x]) => {
    const y = axis == null ? reshape(x!, [-1]) : x!
    return copies(y, repeats, axisOf(axis ?? 0, y.rank, 'repeat'), false)
  })
}

/** `[before, after]` more elements along each axis, all of one number. Other modes than `'constant'` are not supported. */
export function pad<X extends Operand>(
  x: X,
  padWidth: readonly (readonly [number, number])[],
  mode = 'constant',
  constantValues = 0,
): Like<X> {
  if (mode !== 'constant') throw mustBe('pad', 'mode', '"constant"', mode, UnsupportedError)
  const widths = list<readonly number[]>('pad', 'padWidth', padWidth)
  return operateOne('pad', [x], ([x]) => {
    const good = widths.length === x!.rank && widths.every(pair => pair?.length === 2 && pair.every(isSize))
    if (!good) throw mustBe('pad', 'padWidth', `[before, after] for each of ${x!.rank} axes`, padWidth)
    return widths.reduce((y: SymbolicTensor, pair, axis) => {
      const [before, after] = pair.map(size => {
        const shape = y.shape.map((_, i) => (i === axis ? size : sizeAlong(y, i)))
        return size > 0 ? [full(shape, constantValues, y.dtype)] : []
      })
      return before!.length + after!.length > 0 ? concatenate([...before!, y, ...after!], axis) : y
    }, x!)
  })
}

/** The sums of all elements up to each along an axis, one chain; without an axis, in the flattened tensor. */
export function cumsum<X extends Operand>(x: X, axis?: number | null): Like<X> {
  return operateOne('cumsum', [x], ([x]) => {
    const y = axis == null ? reshape(x!, [-1]) : x!
    const at = axisOf(axis ?? 0, y.rank, 'cumsum')
    const swap = y.shape.map((_, i) => (i === at ? 0 : i === 0 ? at : i))
    const from = y.dtype === 'bool' ? cast(y, 'int32') : y
    const turned = at === 0 ? from : transpose(from, swap)
    const zero = full(
      turned.shape.slice(1).map((_, i) => sizeAlong(turned, i + 1)),
      0,
      from.dtype,
    )
    const [, sums] = scan(
      (sum: SymbolicTensor, x: SymbolicTensor) => {
        const next = add(sum, x)
        return [next, next] as const
      },
      zero,
      turned,
    )
    return at === 0 ? sums : transpose(sums, swap)
  })
}
