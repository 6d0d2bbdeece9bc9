/** Values of a trace, and their sizes. */
import { currentTrace } from '../engine/handle.js'
import { type LayerRnnError, TraceError } from '../errors.js'
import type { NdArray } from '../tensor/ndarray.js'
import type { Data, DType } from '../tensor/shape.js'
import { SymbolicTensor } from '../tensor/tensor.js'
import type { Trace } from './trace.js'

/** A value of a trace. */
export class TracedTensor extends SymbolicTensor {
  readonly trace: Trace
  /** The number of the value in the trace. @internal */
  readonly id: number
  /** The sizes as the engine names them: −1 − symbol where one is unknown, `anySize` where it has no name. @internal */
  readonly dims: readonly number[]
  /** [batch, time], which steps count; layers set and read it, ops do not. */
  readonly mask?: TracedTensor

  /** @internal */
  constructor(trace: Trace, id: number, dims: readonly number[], dtype: DType, mask?: TracedTensor) {
    super(
      dims.map(size => (size < 0 ? null : size)),
      dtype,
    )
    this.trace = trace
    this.id = id
    this.dims = dims
    this.mask = mask
  }

  /** The same value with another mask, or none. */
  withMask(mask: TracedTensor | undefined): TracedTensor {
    return new TracedTensor(this.trace, this.id, this.dims, this.dtype, mask)
  }

  protected override numbers(what: string): NdArray<Data> {
    const { trace } = this
    const current = currentTrace()
    if (!(current?.unrolled && current.readable)) return super.numbers(what)
    return trace.run(() => trace.read([this])[0]!)
  }

  protected override unreadable(what: string): LayerRnnError {
    const { cell, unrolled } = this.trace
    if (cell === undefined) return super.unreadable(what)
    const why = unrolled ? 'a model is described' : 'call is run once, for all steps'
    const how = unrolled
      ? 'or apply the layer itself to data'
      : 'with unroll: true call is run for each step, and can choose by its number; by values too, where the layer itself is applied to data'
    return new TraceError(
      `${cell}: ${what} needs values, and there are none: ${why}. Choose with ops.where(condition, a, b); ${how}`,
      { layer: cell, actual: this.toString() },
    )
  }
}

/** A size without a name. */
export const anySize = -(2 ** 31)

/** A size that is not known while a program is traced, as ops that make tensors take it: that of `axis` of `like`. */
export class Dim {
  readonly like: SymbolicTensor
  readonly axis: number

  constructor(like: SymbolicTensor, axis: number) {
    this.like = like
    this.axis = axis
  }

  /** Whether it is a size of this tensor. @internal */
  isOf(value: unknown): boolean {
    const { like } = this
    return (
      value === like ||
      (value instanceof TracedTensor && like instanceof TracedTensor && value.id === like.id)
    )
  }

  [Symbol.toPrimitive](hint: string): string {
    if (hint === 'string') return 'an unknown size'
    throw new TraceError(
      'this size is not known while a model is traced; give it to ops as it is, as in ops.zeros([size, 8])',
    )
  }
}

/** The size of an axis, as a number where it is known. */
export function sizeAlong(like: SymbolicTensor, axis: number): number | Dim {
  return like.shape.at(axis) ?? new Dim(like, axis < 0 ? axis + like.rank : axis)
}

/** The error of a value that outlived the step of this cell, or its call. */
export function keptFrom(cell: string | undefined, value: unknown): TraceError {
  const kept =
    cell === undefined
      ? 'belongs to another trace: it was kept from an earlier call'
      : `was kept from a step of ${cell}`
  const text = `${value} ${kept}. States and results must be passed on, not stored`
  return new TraceError(text, { layer: cell, actual: String(value) })
}

/** The error of a value that is none of the trace which reads it. */
export function strayed(value: SymbolicTensor): TraceError {
  if (value instanceof TracedTensor) return keptFrom(value.trace.cell, value)
  return new TraceError(
    `${value} is a symbolic tensor of a model; inside call, compute with the tensors that are passed in`,
    { actual: String(value) },
  )
}
