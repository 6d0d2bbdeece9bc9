/** Repeating, padding and taking apart. Sizes may be such that are not known while tracing. */
import { mustBe } from '../errors.js'
import { axisOf, isSize, list } from '../tensor/shape.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import { cast } from './cast.js'
import { full } from './creation.js'
import { add, multiply } from './elementwise.js'
import { type Like, type Operand, operate, operateOne } from './operation.js'
import {
  broadcastTo,
  concatenate,
  expandDims,
  flip,
  reshape,
  shape,
  slice,
  split,
  squeeze,
  transpose,
} from './shaping.js'
import { steps } from './steps.js'
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

const modes = ['constant', 'reflect', 'symmetric']

/**
 * `[before, after]` more elements along each axis: all of one number; or with the mode `'reflect'` those on the other side of the edge, `'symmetric'`
 * with the edge itself among them.
 */
export function pad<X extends Operand>(
  x: X,
  padWidth: readonly (readonly [number, number])[],
  mode = 'constant',
  constantValues = 0,
): Like<X> {
  if (!modes.includes(mode)) throw mustBe('pad', 'mode', modes.join(' or '), mode)
  const widths = list<readonly number[]>('pad', 'padWidth', padWidth)
  return operateOne('pad', [x], ([x]) => {
    const good = widths.length === x!.rank && widths.every(pair => pair?.length === 2 && pair.every(isSize))
    if (!good) throw mustBe('pad', 'padWidth', `[before, after] for each of ${x!.rank} axes`, padWidth)
    const edge = Number(mode === 'reflect')
    return widths.reduce((y: SymbolicTensor, pair, axis) => {
      const size = y.shape[axis] ?? Number.POSITIVE_INFINITY
      if (mode !== 'constant' && pair.some(count => count + edge > size))
        throw mustBe('pad', 'padWidth', `less than mirrors axis ${axis}, of size ${size}`, padWidth)
      const leading = Array<number>(axis).fill(0)
      const [before, after] = pair.map((count, end) => {
        if (count === 0) return []
        if (mode === 'constant') {
          const shape = y.shape.map((_, i) => (i === axis ? count : sizeAlong(y, i)))
          return [full(shape, constantValues, y.dtype)]
        }
        const start = end ? -count - edge : edge
        return [flip(slice(y, [...leading, start], [...leading.map(() => null), count]), axis)]
      })
      return before!.length + after!.length > 0 ? concatenate([...before!, y, ...after!], axis) : y
    }, x!)
  })
}

/** The sums of all elements up to each along an axis, one chain (in a cell a tree); without an axis, in the flattened tensor. */
export function cumsum<X extends Operand>(x: X, axis?: number | null): Like<X> {
  return cumulative('cumsum', x, axis, 0, add)
}

/** The products of all elements up to each along an axis, one chain (in a cell a tree); without an axis, in the flattened tensor. */
export function cumprod<X extends Operand>(x: X, axis?: number | null): Like<X> {
  return cumulative('cumprod', x, axis, 1, multiply)
}

/** The same by doubling: each element with the one 1 before it, then with that 2 before, 4 before, and so on. */
function doubled(
  x: SymbolicTensor,
  at: number,
  size: number,
  next: (a: SymbolicTensor, b: SymbolicTensor) => SymbolicTensor,
): SymbolicTensor {
  const part = (x: SymbolicTensor, start: number, count: number | null) => {
    const ahead = Array<number>(at).fill(0)
    return slice(x, [...ahead, start], [...ahead.map(() => null), count])
  }
  for (let far = 1; far < size; far *= 2)
    x = concatenate([part(x, 0, far), next(part(x, 0, size - far), part(x, far, null))], at)
  return x
}

function cumulative<X extends Operand>(
  name: string,
  x: X,
  axis: number | null | undefined,
  start: number,
  next: (a: SymbolicTensor, b: SymbolicTensor) => SymbolicTensor,
): Like<X> {
  return operateOne(name, [x], ([x], trace) => {
    const y = axis == null ? reshape(x!, [-1]) : x!
    const at = axisOf(axis ?? 0, y.rank, name)
    const from = y.dtype === 'bool' ? cast(y, 'int32') : y
    const size = from.shape[at]
    // in a step a sequence would mix rows
    if (trace.cell !== undefined && at > 0 && size != null) return doubled(from, at, size, next)
    // the axis is time behind rows, which stay in front; axis 0 is time without rows
    const front = Math.min(at, 1)
    const order = from.shape.map((_, i) => i).filter(i => i !== at)
    order.splice(front, 0, at)
    const back = order.map((_, i) => order.indexOf(i))
    const [turned, sizes] = at > 1 ? [transpose(from, order), shape(from)] : [from, shape(from)]
    const first = full(
      sizes.filter((_, i) => i !== at),
      start,
      from.dtype,
    )
    const { outputs } = steps({
      trace,
      cell: name,
      inputs: [turned],
      states: [trace.own(first)],
      all: true,
      shared: at === 0,
      step([x], [before]) {
        const value = next(before!, x!)
        return { outputs: [value], states: [value] }
      },
    })
    return at > 1 ? transpose(outputs[0]!, back) : outputs[0]!
  })
}
