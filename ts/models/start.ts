/** What a stream's states start from, where the model says so: a program of its own computes it from what was given once. */
import { inLayer } from '../errors.js'
import { leaves, type Nested, pack } from '../layers/structure.js'
import { Trace, type TracedTensor } from '../ops/trace.js'
import type { NdArray } from '../tensor/ndarray.js'
import type { Tensor } from '../tensor/tensor.js'
import type { Model } from './model.js'
import { Computation, type InputType } from './program.js'
import type { Home } from './trace_model.js'

/** The `starts` of the model's traces. Of `inputs`, those that come with the steps change nothing. */
export function computeStarts(
  model: Model,
  types: readonly InputType[],
  inputs: readonly Tensor[],
  { engine, programs }: Home = model,
): readonly NdArray[] {
  const computation = programs.get(`start ${types.map(({ shape }) => shape.map(String))}`, () => {
    return new Computation(engine, 'start', types, traced => {
      inLayer(model.name, () => model.call(pack(model.inputs, traced) as Nested<TracedTensor>))
      return Trace.current()!.starts as TracedTensor[]
    })
  })
  return leaves<Tensor>(Trace.outside(() => computation.run(inputs))).map(tensor => {
    const value = tensor.read()
    tensor.dispose()
    return value
  })
}
