/** Compositions: what moments, norms and normal forms are made of. */
import { mustBe, ShapeError, show } from '../errors.js'
import { axisOf, counts, type DType, isCount } from '../tensor/shape.js'
import { counting, type SymbolicTensor } from '../tensor/tensor.js'
import { cast, literals } from './cast.js'
import { onesLike } from './creation.js'
import {
  abs,
  add,
  equal,
  greaterEqual,
  logicalAnd,
  logicalNot,
  maximum,
  minimum,
  multiply,
  notEqual,
  power,
  rsqrt,
  sqrt,
  square,
  subtract,
  where,
} from './elementwise.js'
import { type Like, type Operand, operate, operateOne } from './operation.js'
import { argmax, max, mean, min, sum } from './reduction.js'
import { axesOf, expandDims, reshape, stack } from './shaping.js'
import { sizeAlong } from './trace.js'

type Axes = number | readonly number[]

/** The mean square of the distance from the mean. */
export function variance<X extends Operand>(x: X, axis?: Axes, keepdims = false): Like<X> {
  return operateOne('var', [x], ([x]) => {
    const from = cast(x!, 'float32')
    return mean(square(subtract(from, mean(from, axis, true))), axis, keepdims)
  })
}

/** The root of the variance. */
export function std<X extends Operand>(x: X, axis?: Axes, keepdims = false): Like<X> {
  return operateOne('std', [x], ([x]) => sqrt(variance(x!, axis, keepdims)))
}

/** x, at least `min` and at most `max`. */
export function clip<X extends Operand, A extends Operand = number, B extends Operand = number>(
  x: X,
  min: A,
  max: B,
): Like<X | A | B> {
  const [[, least], [, most]] = [literals(x, min), literals(x, max)]
  return operateOne<Operand>(
    'clip',
    [x, least, most],
    ([x, least, most]) => minimum(maximum(x!, least!), most!),
    ['x', 'min', 'max'],
  ) as Like<X | A | B>
}

/**
 * The length of vectors: (Σ |x|^ord)^(1/ord); for ∞ and −∞ the largest and smallest |x|, for 0 how many are not 0. Along one axis, or, with the
 * ord 2 alone, over several, by default all.
 */
export function norm<X extends Operand>(
  x: X,
  ord: number | null = 2,
  axis?: Axes,
  keepdims = false,
): Like<X> {
  return operateOne('norm', [x], ([x]) => {
    const from = cast(x!, 'float32')
    if (ord === null || ord === 2) return sqrt(sum(square(from), axis, keepdims))
    if (typeof ord !== 'number' || Number.isNaN(ord)) throw mustBe('norm', 'ord', 'a number', ord)
    if (axesOf('norm', from, axis).length !== 1) throw mustBe('norm', 'axis', 'one for this ord', axis)
    if (ord === 0) return sum(cast(notEqual(from, 0), 'float32'), axis, keepdims)
    if (Math.abs(ord) === Infinity) return (ord > 0 ? max : min)(abs(from), axis, keepdims)
    const total = sum(ord === 1 ? abs(from) : power(abs(from), ord), axis, keepdims)
    return ord === 1 ? total : power(total, 1 / ord)
  })
}

/** x less its mean along `axis`, over its deviation, times `gamma`, plus `beta`, both of the sizes of `axis`. `epsilon` is added to the variance. */
export function layerNormalization<X extends Operand, W extends Operand = X>(
  x: X,
  gamma?: W | null,
  beta?: W | null,
  axis: Axes = -1,
  epsilon = 1e-7,
): Like<X> {
  const given = { x, gamma, beta } as unknown as Record<string, X>
  const roles = Object.keys(given).filter(name => given[name] != null)
  const body = (values: readonly SymbolicTensor[]) => {
    const from = cast(values[0]!, 'float32')
    const axes = axesOf('layerNormalization', from, axis).sort((a, b) => a - b)
    // where the weights stand among all axes
    const places = from.shape.map((_, i) => axes.indexOf(i))
    const weight = (name: string) => {
      const value = values[roles.indexOf(name)]
      if (value && value.rank !== axes.length)
        throw mustBe('layerNormalization', name, `of the sizes of axis ${axes}`, value, ShapeError)
      return (
        value &&
        reshape(
          value,
          places.map(place => (place < 0 ? 1 : sizeAlong(value, place))),
        )
      )
    }
    const [scale, offset] = [weight('gamma'), weight('beta')]
    const centred = subtract(from, mean(from, axes, true))
    const normal = multiply(centred, rsqrt(add(mean(square(centred), axes, true), epsilon)))
    const scaled = scale ? multiply(normal, scale) : normal
    return offset ? add(scaled, offset) : scaled
  }
  return operateOne(
    'layerNormalization',
    roles.map(name => given[name]!),
    body,
    roles,
  )
}

/** 1 at the place that each id names among `numClasses`, else 0; of other ids nothing but 0. */
export function oneHot<X extends Operand>(
  ids: X,
  numClasses: number,
  axis = -1,
  dtype: DType = 'float32',
): Like<X> {
  if (!isCount(numClasses)) throw mustBe('oneHot', 'numClasses', counts, numClasses)
  return operateOne(
    'oneHot',
    [ids],
    ([ids], trace) => {
      const at = axisOf(axis, ids!.rank + 1, 'oneHot')
      const shape = [numClasses, ...Array<number>(ids!.rank - at).fill(1)]
      const places = trace.capture(counting(trace.engine, shape))
      return cast(equal(expandDims(cast(ids!, 'int32'), at), places), dtype)
    },
    ['ids'],
  )
}

/**
 * The `k` largest along the last axis, from the largest down: `{ values, indices }`; of equal ones the first comes first. Gradients go to those
 * that were chosen.
 */
export function topK<X extends Operand>(x: X, k: number): { values: Like<X>; indices: Like<X> } {
  const [values, indices] = operate('topK', [x], ([x]) => {
    const size = x!.shape.at(-1)
    if (!(isCount(k) && size != null && k <= size))
      throw mustBe(
        'topK',
        'k',
        `a positive integer, at most the size of the last axis of ${show(x!.shape)}`,
        k,
      )
    const from = cast(x!, 'float32')
    let free: SymbolicTensor = onesLike(from, 'bool')
    const found = Array.from({ length: k }, () => {
      const largest = max(where(free, from, Number.NEGATIVE_INFINITY), -1, true)
      const index = argmax(cast(logicalAnd(free, greaterEqual(from, largest)), 'float32'), -1)
      const chosen = oneHot(index, size, -1, 'bool')
      free = logicalAnd(free, logicalNot(chosen))
      return [sum(where(chosen, from, 0), -1), index] as const
    })
    return [0, 1].map(i =>
      stack(
        found.map(each => each[i]!),
        -1,
      ),
    )
  }) as Like<X>[]
  return { values: values!, indices: indices! }
}
