/** Data through a model, batch by batch. */
import { named, ShapeError } from '../errors.js'
import { checkOptions, count } from '../layers/options.js'
import { mapNested, type Nested } from '../layers/structure.js'
import type { Inputs, Masks } from '../layers/types.js'
import { checkSteps, numbersOf } from '../layers/values.js'
import type { Values } from '../tensor/convert.js'
import { NdArray } from '../tensor/ndarray.js'
import type { Data, DType, Shape } from '../tensor/shape.js'
import { arrange } from './io.js'
import type { Model, Symbols } from './model.js'
import type { Computation } from './program.js'
import { inputsOf, traceModel } from './trace_model.js'

export interface PredictOptions {
  /** Samples that are computed together. Default 32. */
  batchSize?: number
  /** `[batch, time]`, non-zero where a step counts; for several inputs in their form, null where there is none. */
  mask?: Masks
}

/** Results in the form of the model's outputs. */
export function predict<S extends Symbols>(
  model: Model<S>,
  inputs: Inputs,
  options: PredictOptions,
): Nested<NdArray<Data>> {
  const { name } = model
  model.checkAlive()
  checkOptions(name, options, ['batchSize', 'mask'], 'predict')
  const { batchSize = 32, mask } = options
  count().read(batchSize, { layer: name, argument: 'batchSize' })
  if (!model.built) model.build(openShape(numbersOf(name, 'inputs', inputs, { dtype: model.inputDtype })))
  const symbols = inputsOf(model)
  const values = arrange(name, 'inputs', model.inputs, inputs).map((value, i) => {
    const { dtype, shape, name: input } = symbols[i]!
    return numbersOf(name, symbols.length > 1 ? input : 'inputs', value, { dtype, shape })
  })
  if (model.streams) for (const { shape } of values) checkSteps(name, shape)
  const masks = mask === undefined || mask === null ? [] : arrange(name, 'mask', model.inputs, mask)
  const given = values.map((_, i) => masks[i] !== undefined && masks[i] !== null)
  given.forEach((has, i) => {
    const shape = values[i]!.shape.slice(0, 2)
    if (has) values.push(numbersOf(name, 'mask', masks[i], { dtype: 'bool', shape }))
  })
  const samples = values[0]!.shape[0]!
  const odd = values.find(({ shape }) => shape[0] !== samples)
  if (odd) {
    throw new ShapeError(`${name}: inputs have ${samples} and ${odd.shape[0]} samples`, {
      layer: name,
      argument: 'inputs',
      expected: samples,
      actual: odd.shape[0],
    })
  }
  const types = symbols.map(({ shape, dtype }) => ({ shape, dtype }))
  return runBatches(traceModel(model, 'predict', types, given), values, samples, batchSize, name)
}

function runBatches(
  computation: Computation,
  values: readonly Values[],
  samples: number,
  batchSize: number,
  name: string,
): Nested<NdArray<Data>> {
  const results: NdArray<Data>[] = []
  let start = 0
  do {
    const count = Math.min(batchSize, samples - start)
    const shapes = values.map(({ shape }) => [count, ...shape.slice(1)])
    const { call } = withName(name, () => {
      const joined = computation.joined(shapes)
      joined.run(values.map(({ data, shape }) => rows(data, shape, start, count)))
      return joined
    })
    call.outputs.forEach((output, i) => {
      const view = output.view<Data>()
      const perSample = count === 0 ? 0 : view.length / count
      results[i] ??= new NdArray(new (view.constructor as Float32ArrayConstructor)(perSample * samples), [
        samples,
        ...output.shape.slice(1),
      ])
      results[i].data.set(view, start * perSample)
    })
    start += count
  } while (start < samples)
  return mapNested(computation.form, index => results[index as number]!)
}

/** The numbers of `count` samples. */
function rows(data: Data, shape: readonly number[], start: number, count: number): Data {
  const row = shape.slice(1).reduce((product, size) => product * size, 1)
  return data.subarray(start * row, (start + count) * row)
}

function withName<T>(name: string, fn: () => T): T {
  try {
    return fn()
  } catch (error) {
    throw named(error, name)
  }
}

/** The shape that a model is built for by its first data: any batch, and any time for sequences. */
export function openShape({ shape, dtype }: { shape: Shape; dtype: DType }): Shape {
  const time = shape.length > 2 || dtype !== 'float32'
  return shape.map((size, axis) => (axis === 0 || (axis === 1 && time) ? null : size))
}
