/**
 * Random tensors. Each number is a function of where it is drawn from and of its place alone, so the same source gives the same
 * tensor anywhere.
 */
import { Distribution, Op } from '../generated/enums.js'
import type { SymbolicTensor, Tensor } from '../tensor/tensor.js'
import { bits, operateOne } from './operation.js'
import type { Key } from './seed.js'
import { dims, reshape, type Sizes, sizeCodes, slice } from './shaping.js'
import type { Trace, TracedTensor } from './trace.js'

/** What numbers are drawn from: a stream, which is the same in every call, or one that a generator moves on. */
export interface Source {
  key: Key
  /** `[seed, call]`, int32, or one for each row: `[rows, 2]`. */
  state?: SymbolicTensor
  /** The number of the first step, int32, one for all rows or `[rows]`. Absent: 0. */
  step?: SymbolicTensor
}

/** Bits of the attribute that says which operands there are. */
const given = { state: 1, step: 2 }

/** `a` and `b` are the distribution's parameters; `source` is asked in the trace that draws, `made` what comes of what is drawn. */
export function draw(
  name: string,
  distribution: Distribution,
  shape: Sizes,
  [a, b]: readonly [number, number],
  source: (trace: Trace) => Source,
  made: (drawn: SymbolicTensor) => SymbolicTensor = drawn => drawn,
): Tensor {
  const likes = dims(name, shape)
  return operateOne(name, likes, (values, trace) => {
    const { key, state, step } = source(trace)
    const [first] = shape
    const byRows = typeof first === 'object' && first.axis === 0 && hasRows(trace.own(first.like))
    const own = byRows ? [state, step] : [ofFirst(state, 1), ofFirst(step, 0)]
    const operands = [...values, ...own.filter(operand => operand !== undefined)]
    const which = (state ? given.state : 0) | (step ? given.step : 0)
    const attrs = [distribution, bits(a), bits(b), ...key, which, ...sizeCodes(name, shape, likes)]
    return made(trace.emit(Op.Random, operands, attrs)[0]!)
  }) as Tensor
}

const hasRows = ({ dims }: TracedTensor) => dims[0] === -1

/** What all rows share is drawn as the first row draws it. */
function ofFirst(value: SymbolicTensor | undefined, rank: number): SymbolicTensor | undefined {
  return value && value.rank > rank ? reshape(slice(value, [0], [1]), value.shape.slice(1)) : value
}

const fixed =
  (name: string, distribution: Distribution) =>
  (shape: Sizes, a: number, b: number, key: Key): Tensor =>
    draw(name, distribution, shape, [a, b], () => ({ key }))

/** (shape, min, max, key): from min up to, without, max */
export const randomUniform = /* @__PURE__ */ fixed('randomUniform', Distribution.Uniform)
/** (shape, mean, deviation, key) */
export const randomNormal = /* @__PURE__ */ fixed('randomNormal', Distribution.Normal)
/** (shape, mean, deviation, key): redrawn beyond two deviations, as Keras does */
export const truncatedNormal = /* @__PURE__ */ fixed('truncatedNormal', Distribution.TruncatedNormal)
