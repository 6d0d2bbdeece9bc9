/**
 * Which values have the rows of a sequence: those whose axis 0 has the name of the batch. Where the batch is a number, another size may
 * be the same by chance: what has rows has them from where the sequence has them, by the engine's rules of shapes, or by what it is for.
 */
import type { DType, Shape } from '../tensor/shape.js'
import type { Trace } from './trace.js'
import { anySize, type TracedTensor } from './traced_tensor.js'

/** By trace, the values whose axis 0 is the batch by what they are for. */
const batched = new WeakMap<Trace, Set<number>>()

/** Says that axis 0 of the value is the batch, where it has the size of the batch; of variables it never is. */
export function hasRows(value: TracedTensor): void {
  const { trace, id } = value
  if (trace.sources(true).some(variable => variable.id === id)) return
  const known = batched.get(trace) ?? new Set()
  batched.set(trace, known.add(id))
}

/** An input whose axis 0 is the batch, also where that is fixed, unless `symbols` says which axis is. */
export function batchInput(
  trace: Trace,
  { shape, dtype, symbols }: { shape: Shape; dtype: DType; symbols?: readonly number[] },
): TracedTensor {
  const value = trace.input(shape, dtype, symbols)
  if (!symbols) hasRows(value)
  return value
}

/** The rows of a sequence. */
export class Rows {
  readonly #sequence: TracedTensor
  #from: readonly number[] | undefined

  constructor(sequence: TracedTensor) {
    this.#sequence = sequence
  }

  /** Whether axis 0 of a value of the same trace is that of the sequence. */
  include({ id, dims }: TracedTensor): boolean {
    const { trace, dims: all } = this.#sequence
    const [first, batch] = [dims[0], all[0]!]
    if (first !== batch) return batch < 0 && first === anySize
    if (batch < 0) return true
    this.#from ??= originsOf(this.#sequence)
    return trace.follows(id, [...this.#from, ...(batched.get(trace) ?? [])])
  }
}

/** The inputs and constants from which axis 0 of a sequence comes, and the sequence. */
function originsOf({ trace, id, dims }: TracedTensor): number[] {
  const same = trace
    .sources(false)
    .filter(source => source.dims[0] === dims[0])
    .map(source => source.id)
  let from = trace.follows(id, same) ? same : []
  for (const each of from) {
    const others = from.filter(source => source !== each)
    if (trace.follows(id, others)) from = others
  }
  return [...from, id]
}
