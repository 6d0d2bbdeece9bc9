/** Data through a model, batch by batch. */
import { ArgumentError, named, ShapeError, show } from '../errors.js'
import { hint } from '../layers/names.js'
import { mapNested, type Nested } from '../layers/structure.js'
import { convert, type Values } from '../tensor/convert.js'
import { NdArray } from '../tensor/ndarray.js'
import type { Data, DType, Shape } from '../tensor/shape.js'
import { Tensor } from '../tensor/tensor.js'
import { arrange } from './io.js'
import type { Model, Symbols } from './model.js'
import type { Computation } from './program.js'
import { inputsOf, traceModel } from './trace_model.js'

export interface PredictOptions {
  /** Samples that are computed together. Default 32. */
  batchSize?: number
  /** `[batch, time]`, non-zero where a step counts; for several inputs in their form, null where there is none. */
  mask?: unknown
}

/** Results in the form of the model's outputs. */
export function predict<S extends Symbols>(
  model: Model<S>,
  inputs: unknown,
  options: PredictOptions,
): Nested<NdArray<Data>> {
  const { batchSize = 32, mask } = options
  checkOptions(model.name, options)
  if (!model.built) model.build(openShape(host(inputs, model.inputDtype)))
  const symbols = inputsOf(model)
  const values = arrange(model.name, 'inputs', model.inputs, inputs).map((value, i) =>
    host(
      value,
      symbols[i]!.dtype,
      symbols[i]!.shape,
      `${model.name}: ${symbols.length > 1 ? symbols[i]!.name : 'inputs'}`,
    ),
  )
  const masks = mask === undefined || mask === null ? [] : arrange(model.name, 'mask', model.inputs, mask)
  const given = values.map((_, i) => masks[i] !== undefined && masks[i] !== null)
  given.forEach((has, i) => {
    if (has)
      values.push(host(masks[i], 'bool', [values[i]!.shape[0]!, values[i]!.shape[1]!], `${model.name}: mask`))
  })
  const samples = values[0]!.shape[0]!
  const odd = values.find(({ shape }) => shape[0] !== samples)
  if (odd) {
    throw new ShapeError(`${model.name}: inputs have ${samples} and ${odd.shape[0]} samples`, {
      layer: model.name,
      argument: 'inputs',
      expected: samples,
      actual: odd.shape[0],
    })
  }
  const types = symbols.map(({ shape, dtype }) => ({ shape, dtype }))
  return runBatches(traceModel(model, 'predict', types, given), values, samples, batchSize, model.name)
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

function host(value: unknown, dtype: DType, shape?: Shape, what = 'inputs'): Values {
  return convert(value instanceof Tensor ? value.read() : value, { dtype, shape, what })
}

/** The shape that a model is built for by its first data: any batch, and any time for sequences. */
export function openShape({ shape, dtype }: { shape: Shape; dtype: DType }): Shape {
  const time = shape.length > 2 || dtype !== 'float32'
  return shape.map((size, axis) => (axis === 0 || (axis === 1 && time) ? null : size))
}

function checkOptions(layer: string, { batchSize = 32, ...options }: PredictOptions): void {
  const unknown = Object.keys(options).find(name => name !== 'mask')
  if (unknown !== undefined) {
    throw new ArgumentError(
      `${layer}: predict has no option "${unknown}"${hint(unknown, ['batchSize', 'mask'])}`,
      { layer, argument: unknown },
    )
  }
  if (Number.isInteger(batchSize) && batchSize > 0) return
  throw new ArgumentError(`${layer}: batchSize must be a positive integer, not ${show(batchSize)}`, {
    layer,
    argument: 'batchSize',
    expected: 'a positive integer',
    actual: batchSize,
  })
}
