/** Ops that move elements and change none. Sizes that are not known yet are copied from the operand that has them. */
import { mustBe, ShapeError, show, TraceError } from '../errors.js'
import { Op } from '../generated/enums.js'
import { axisOf, isCount, isSize, sizes as known, list, maxSize } from '../tensor/shape.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import { promote } from './cast.js'
import { type Like, type Operand, operate, operateOne } from './operation.js'
import { Dim, sizeAlong, type Trace } from './trace.js'

/** Sizes for a new tensor: numbers, and those that are not known while tracing. */
export type Sizes = readonly (number | Dim)[]

/**
 * The same elements in another shape: one size may be −1, found from the others; null copies the operand's size of that axis. Sizes
 * that are not known while tracing may be those of one other tensor.
 */
export function reshape<X extends Operand>(x: X, shape: readonly (number | null | Dim)[]): Like<X> {
  const like = dims('reshape', shape).filter(other => !new Dim(other, 0).isOf(x))
  const codes = list('reshape', 'shape', shape).flatMap((size, axis) => {
    if (size === -1) return [2, 0]
    if (size === null) return [1, axis]
    if (!isDim(size)) return [0, literalSize('reshape', size)]
    return [size.isOf(x) ? 1 : 3, size.axis]
  })
  if (like.length > 1) throw new TraceError('reshape takes unknown sizes of one other tensor')
  return operateOne(
    'reshape',
    [x, ...(like as X[])],
    (values, trace) => trace.emit(Op.Reshape, values, [codes.length, ...codes])[0]!,
    ['x'],
  )
}

/** One more axis, of size 1. */
export function expandDims<X extends Operand>(x: X, axis: number): Like<X> {
  return operateOne('expandDims', [x], ([x], trace) => {
    const codes = own(x!)
    codes.splice(axisOf(axis, x!.rank + 1, 'expandDims'), 0, [0, 1])
    return trace.emit(Op.Reshape, [x!], [2 * codes.length, ...codes.flat()])[0]!
  })
}

/** Without an axis of size 1. */
export function squeeze<X extends Operand>(x: X, axis: number): Like<X> {
  return operateOne('squeeze', [x], ([x], trace) => {
    const at = axisOf(axis, x!.rank, 'squeeze')
    if (x!.shape[at] !== 1) {
      throw mustBe('squeeze', 'axis', `one of size 1 in ${show(x!.shape)}`, axis, ShapeError)
    }
    const codes = own(x!).filter((_, i) => i !== at)
    return trace.emit(Op.Reshape, [x!], [2 * codes.length, ...codes.flat()])[0]!
  })
}

/** Codes of a reshape that copy every size. */
const own = (x: SymbolicTensor) => x.shape.map((_, axis) => [1, axis])

function literalSize(what: string, size: number): number {
  if (isSize(size)) return size
  throw mustBe(what, 'shape', known, size, ShapeError)
}

/** Axes in another order; by default reversed. */
export function transpose<X extends Operand>(x: X, axes?: readonly number[]): Like<X> {
  return operateOne('transpose', [x], ([x], trace) => {
    const { rank } = x!
    const order =
      axes === undefined
        ? Array.from({ length: rank }, (_, i) => rank - 1 - i)
        : list('transpose', 'axes', axes).map(axis => axisOf(axis, rank, 'transpose'))
    if (order.length !== rank || new Set(order).size !== rank) {
      throw mustBe('transpose', 'axes', `each of ${rank} axes once`, axes)
    }
    return trace.emit(Op.Transpose, [x!], [rank, ...order])[0]!
  })
}

/**
 * A part of the leading axes, as `keras.ops.slice`: from `start` (negative: from the end), `size` elements (null: to the end), and of
 * these every `step`-th.
 */
export function slice<X extends Operand>(
  x: X,
  start: readonly number[],
  size: readonly (number | null)[],
  step: readonly number[] = [],
): Like<X> {
  for (const [name, value] of Object.entries({ start, size, step })) list<unknown>('slice', name, value)
  return operateOne('slice', [x], ([x], trace) => {
    const { rank, shape } = x!
    const bad = (argument: string, actual: unknown, axis: number) =>
      mustBe('slice', argument, `within axis ${axis} of ${show(shape)}`, actual)
    const { length } = start
    if (length > rank || size.length !== length || step.length > length) {
      throw mustBe('slice', 'size', `as long as start, at most ${rank}`, size)
    }
    const parts = start.flatMap((begin, axis) => {
      const whole = shape[axis] ?? maxSize
      const count = size[axis] ?? null
      const every = step[axis] ?? 1
      if (!Number.isInteger(begin) || begin > whole || begin < -whole) throw bad('start', begin, axis)
      const room = begin < 0 ? -begin : whole - begin
      if (count !== null && !(isSize(count) && count <= room)) throw bad('size', count, axis)
      if (!isCount(every)) throw bad('step', every, axis)
      const end = count === null || (begin < 0 && begin + count === 0) ? maxSize : begin + count
      // of an axis that stays whole the size stays what it is, known or not
      return begin === 0 && end === maxSize && every === 1 ? [] : [axis, begin, end, every]
    })
    const [part] = trace.emit(Op.Slice, [x!], [parts.length, ...parts])
    // Along an axis of unknown size there may be less than was asked for: then this fails when the size is known.
    const asked = own(x!).map((copy, axis) => {
      const count = size[axis] ?? null
      return shape[axis] === null && count !== null ? [0, Math.ceil(count / (step[axis] ?? 1))] : copy
    })
    return asked.some(([code]) => code === 0)
      ? trace.emit(Op.Reshape, [part!], [2 * asked.length, ...asked.flat()])[0]!
      : part!
  })
}

/** Equal parts along an axis, or parts that start at 0 and at each of the given indices. */
export function split<X extends Operand>(x: X, parts: number | readonly number[], axis = 0): Like<X>[] {
  return operate('split', [x], ([x]) => {
    const at = axisOf(axis, x!.rank, 'split')
    const whole = x!.shape[at]!
    if (typeof parts === 'number' && !(whole > 0 && parts > 0 && isSize(whole / parts) && isSize(parts))) {
      throw mustBe('split', 'parts', `a divisor of axis ${axis} of ${show(x!.shape)}`, parts, ShapeError)
    }
    const starts =
      typeof parts === 'number'
        ? Array.from({ length: parts }, (_, i) => (i * whole) / parts)
        : [0, ...list('split', 'parts', parts)]
    const before = Array<number>(at).fill(0)
    return starts.map((start, i) => {
      const next = starts[i + 1]
      return slice(
        x!,
        [...before, start],
        [...before.map(() => null), next === undefined ? null : next - start],
      )
    })
  }) as Like<X>[]
}

/** Joined along an axis that is there. */
export function concatenate<X extends Operand>(xs: readonly X[], axis = -1): Like<X> {
  const body = (values: readonly SymbolicTensor[], trace: Trace) => {
    if (values.length === 0) throw mustBe('concatenate', 'xs', 'at least one tensor', xs)
    return trace.emit(Op.Concat, promote(values), [axisOf(axis, values[0]!.rank, 'concatenate')])[0]!
  }
  return operateOne('concatenate', list('concatenate', 'xs', xs), body, places(xs))
}

/** Joined along a new axis. */
export function stack<X extends Operand>(xs: readonly X[], axis = 0): Like<X> {
  const body = (values: readonly SymbolicTensor[]) => {
    const at = axisOf(axis, (values[0]?.rank ?? 0) + 1, 'stack')
    return concatenate(
      values.map(value => expandDims(value, at)),
      at,
    )
  }
  return operateOne('stack', list('stack', 'xs', xs), body, places(xs))
}

const places = (xs: readonly unknown[]) => xs.map((_, i) => `xs[${i}]`)

/** In reversed order along the axis or axes; by default all. */
export function flip<X extends Operand>(x: X, axis?: number | readonly number[]): Like<X> {
  return operateOne('flip', [x], ([x], trace) => {
    const axes = axesOf('flip', x!, axis)
    return trace.emit(Op.Flip, [x!], [axes.length, ...axes])[0]!
  })
}

/** Axes counted from the start; all of them when none is given. */
export function axesOf(name: string, x: SymbolicTensor, axis?: number | readonly number[]): number[] {
  if (axis === undefined) return x.shape.map((_, i) => i)
  return (Array.isArray(axis) ? axis : [axis]).map(each => axisOf(each, x.rank, name))
}

/** Repeated to a larger shape, as NumPy broadcasts; null keeps the operand's size of that axis. */
export function broadcastTo<X extends Operand>(x: X, shape: readonly (number | null | Dim)[]): Like<X> {
  const likes = dims('broadcastTo', shape)
  const body = (values: readonly SymbolicTensor[], trace: Trace) => {
    const added = shape.length - values[0]!.rank
    const sizes = shape.map((size, axis) => {
      if (size !== null) return size
      if (axis >= added) return new Dim(values[0]!, axis - added)
      throw mustBe('broadcastTo', 'shape', 'known for new axes', shape, ShapeError)
    })
    return trace.emit(Op.Broadcast, values, sizeCodes('broadcastTo', sizes, [values[0]!, ...likes]))[0]!
  }
  return operateOne('broadcastTo', [x, ...(likes as X[])], body, ['x'])
}

/** The sizes of `x` as ops take them, known or not: `ops.random.normal(ops.shape(x))`. */
export function shape(x: SymbolicTensor): (number | Dim)[] {
  if (!Array.isArray((x as SymbolicTensor | undefined)?.shape)) throw mustBe('shape', 'x', 'a tensor', x)
  return x.shape.map((_, axis) => sizeAlong(x, axis))
}

/** No `instanceof`, which would keep the class in bundles that never make one. */
const isDim = (size: number | Dim | null): size is Dim => typeof (size as Dim | null)?.like === 'object'

/** The tensors whose sizes are copied. */
export const dims = (what: string, sizes: readonly (number | null | Dim)[]): SymbolicTensor[] => [
  ...new Set(
    list(what, 'shape', sizes)
      .filter(isDim)
      .map(size => size.like),
  ),
]

/** The list (code, n, operand) of sizes that are literal or copied from one of `likes`. */
export function sizeCodes(what: string, sizes: Sizes, likes: readonly SymbolicTensor[]): number[] {
  const codes = sizes.flatMap(size =>
    isDim(size) ? [1, size.axis, likes.indexOf(size.like)] : [0, literalSize(what, size), 0],
  )
  return [codes.length, ...codes]
}
