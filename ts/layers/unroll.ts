/** A sequence step by step: the cell's `call` runs once for each, and each is a part of the program of its own. */
import { ShapeError } from '../errors.js'
import { concatenate, slice } from '../ops/index.js'
import { type StepsOptions, type StepsResult, steps } from '../ops/steps.js'
import type { TracedTensor } from '../ops/trace.js'
import type { SymbolicTensor } from '../tensor/tensor.js'

/** As `steps`, by one call of it for each step. */
export function unrolledSteps(options: StepsOptions): StepsResult {
  const { inputs, mask, backward, all, cell, call } = options
  const time = inputs[0]!.shape[1]
  if (typeof time !== 'number') {
    throw new ShapeError(
      `${cell}: unroll needs a number of steps that is known, as in Input({ shape: [10, 8] })`,
      {
        argument: 'unroll',
        expected: 'a known number of steps',
        actual: inputs[0]!.shape,
      },
    )
  }
  const outputs: TracedTensor[][] = []
  let { states, previous } = options
  let result: StepsResult | undefined
  for (let step = 0; step < time; step++) {
    const t = backward ? time - 1 - step : step
    const at = (x: SymbolicTensor): SymbolicTensor => slice(x, [0, t], [null, 1])
    result = steps({
      ...options,
      unrolled: true,
      call: call?.at(t),
      inputs: inputs.map(at),
      states,
      mask: mask && at(mask),
      previous,
      remember: true,
    })
    const before = result.previous
    ;({ states } = result)
    previous = () => before
    outputs.push(result.outputs)
  }
  if (!all) return result!
  const joined = outputs[0]!.map(
    (_, i) =>
      concatenate(
        outputs.map(each => each[i]!),
        1,
      ) as TracedTensor,
  )
  return { ...result!, outputs: joined }
}
