/** Setting the states that layers carry: first all values are checked, then all are written. */
import { StateError } from '../errors.js'
import type { Data } from '../tensor/shape.js'
import type { Variable } from '../tensor/tensor.js'

/** A state, and what it is to be set to. */
export type Reset = readonly [state: Variable, data: Data]

export function resetAll(resets: readonly Reset[]): void {
  for (const [state, data] of resets) state.set(data as Float32Array)
}

export const notStateful = (layer: string): StateError =>
  new StateError(`${layer} has no states to reset: it is not stateful`, { layer, argument: 'stateful' })

export function needsBatch(layer: string): StateError {
  const text =
    'is stateful and needs its batch size: give data, Input({ batchShape }) or, to a first layer, batchInputShape'
  return new StateError(`${layer} ${text}`, { layer, argument: 'stateful' })
}
