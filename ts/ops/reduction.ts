/** Ops over axes. `axis` is one or several, by default all; `keepdims` leaves size 1 in their place. */
import { mustBe } from '../errors.js'
import { Op, Reduce } from '../generated/enums.js'
import type { DType } from '../tensor/shape.js'
import { axisOf } from '../tensor/shape.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import { cast } from './cast.js'
import { type Like, type Operand, operateOne } from './operation.js'
import { axesOf, reshape } from './shaping.js'

/** Sums and their like are float32; `from` says which dtypes become it by themselves. */
function reduction(name: string, kind: Reduce, to: DType, ...from: DType[]) {
  return <X extends Operand>(x: X, axis?: number | readonly number[], keepdims = false): Like<X> =>
    operateOne(name, [x], ([x], trace) => {
      const axes = axesOf(name, x!, axis)
      if (typeof keepdims !== 'boolean') throw mustBe(name, 'keepdims', 'a boolean', keepdims)
      const value = from.includes(x!.dtype) ? cast(x!, to) : x!
      return trace.emit(Op.Reduce, [value], [kind, Number(keepdims), axes.length, ...axes])[0]!
    })
}

/** The sum; of bool, how many are true. */
export const sum = /* @__PURE__ */ reduction('sum', Reduce.Sum, 'float32', 'bool')
export const mean = /* @__PURE__ */ reduction('mean', Reduce.Mean, 'float32', 'bool', 'int32')
/** The largest; a NaN stays. */
export const max = /* @__PURE__ */ reduction('max', Reduce.Max, 'float32')
/** The smallest; a NaN stays. */
export const min = /* @__PURE__ */ reduction('min', Reduce.Min, 'float32')
/** The product */
export const prod = /* @__PURE__ */ reduction('prod', Reduce.Prod, 'float32')
/** Whether one is not 0, as bool */
export const any = /* @__PURE__ */ reduction('any', Reduce.Any, 'bool', 'float32', 'int32')
/** Whether none is 0, as bool */
export const all = /* @__PURE__ */ reduction('all', Reduce.All, 'bool', 'float32', 'int32')

function argument(name: string, smallest: number) {
  return <X extends Operand>(x: X, axis?: number): Like<X> =>
    operateOne(name, [x], ([x], trace) => {
      const flat: SymbolicTensor = axis === undefined ? reshape(x!, [-1]) : x!
      return trace.emit(Op.ArgReduce, [flat], [smallest, axisOf(axis ?? 0, flat.rank, name)])[0]!
    })
}

/** Index of the first largest, int32; without an axis, in the flattened tensor. */
export const argmax = /* @__PURE__ */ argument('argmax', 0)
/** Index of the first smallest, int32; without an axis, in the flattened tensor. */
export const argmin = /* @__PURE__ */ argument('argmin', 1)
