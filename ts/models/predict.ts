/** Data through a model, batch by batch. */
import { naming, ShapeError, show } from '../errors.js'
import { checkOptions, count, reject } from '../layers/options.js'
import { mapNested, type Nested } from '../layers/structure.js'
import type { Inputs, Masks } from '../layers/types.js'
import { checkSteps, numbersOf } from '../layers/values.js'
import type { Values } from '../tensor/convert.js'
import { NdArray } from '../tensor/ndarray.js'
import type { Data } from '../tensor/shape.js'
import { arrange } from './io.js'
import type { Model, Symbols } from './model.js'
import { type Computation, openType } from './program.js'
import { inputsOf, traceModel } from './trace_model.js'

export interface PredictOptions {
  /** Samples (entries of axis 0, also where that is time) that are computed together. Default 32. */
  batchSize?: number
  /** `[batch, time]`, non-zero where a step counts; for several inputs in their form, null where there is none. */
  mask?: Masks
}

/** Samples that are computed together when nothing is said. */
const usual = 32

/** Results in the form of the model's outputs. */
export function predict<S extends Symbols>(
  model: Model<S>,
  inputs: Inputs,
  options: PredictOptions,
): Nested<NdArray<Data>> {
  const { name } = model
  model.checkAlive()
  checkOptions(name, options, ['batchSize', 'mask'], 'predict')
  const { batchSize, mask } = options
  if (batchSize !== undefined) count().read(batchSize, { layer: name, argument: 'batchSize' })
  if (!model.built) buildFor(model, inputs, batchSize)
  const symbols = inputsOf(model)
  const fixed = symbols[0]!.shape[0] ?? undefined
  if (fixed !== undefined && batchSize !== undefined && batchSize !== fixed)
    reject({ layer: name, argument: 'batchSize' }, `${fixed}, the model's fixed batch`, batchSize)
  const values = arrange(name, 'inputs', model.inputs, inputs).map((value, i) => {
    const { dtype, shape, name: input } = symbols[i]!
    const any = [null, ...shape.slice(1)]
    // Bare numbers say one size; if time is open too, they are one batch.
    const one = ArrayBuffer.isView(value) && any.filter(size => size === null).length > 1
    return numbersOf(name, symbols.length > 1 ? input : 'inputs', value, { dtype, shape: one ? shape : any })
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
  if (fixed !== undefined && samples % fixed !== 0) {
    const what = `a number of samples that the fixed batch ${fixed} divides`
    reject({ layer: name, argument: 'inputs' }, what, samples, ShapeError)
  }
  const types = symbols.map(({ shape, dtype }) => ({ shape, dtype }))
  return runBatches(
    traceModel(model, 'predict', types, given),
    values,
    samples,
    fixed ?? batchSize ?? usual,
    name,
  )
}

/** Builds a model for its first data; one that carries states gets their batch. */
function buildFor<S extends Symbols>(model: Model<S>, inputs: Inputs, batchSize = usual): void {
  const data = numbersOf(model.name, 'inputs', inputs, { dtype: model.inputDtype })
  const { shape } = openType(data, 'inputs', model)
  const [samples, ...rest] = shape
  const batch = typeof samples === 'number' ? Math.min(samples, batchSize) : null
  model.build([model.batchInputShape?.[0] ?? batch, ...rest])
}

function runBatches(
  computation: Computation,
  values: readonly Values[],
  samples: number,
  batchSize: number,
  name: string,
): Nested<NdArray<Data>> {
  const results: NdArray<Data>[][] = []
  let start = 0
  do {
    const count = Math.min(batchSize, samples - start)
    const shapes = values.map(({ shape }) => [count, ...shape.slice(1)])
    const { call } = naming(name, () => {
      const joined = computation.joined(shapes)
      joined.run(values.map(({ data, shape }) => rows(data, shape, start, count)))
      return joined
    })
    call.outputs.forEach((output, i) => {
      results[i] ??= []
      results[i].push(output.read<Data>())
    })
    start += count
  } while (start < samples)
  return mapNested(computation.form, index => join(name, results[index as number]!))
}

/** What the batches gave, one behind the other along axis 0, whatever it is; a single number of each is an element. */
function join(layer: string, parts: readonly NdArray<Data>[]): NdArray<Data> {
  const [first] = parts as [NdArray<Data>]
  if (parts.length === 1) return first
  const each = first.shape.slice(1)
  const odd = parts.find(({ shape }) => shape.slice(1).join() !== each.join())
  if (odd) {
    const [one, other] = [show(first.shape), show(odd.shape)]
    throw new ShapeError(
      `${layer}: batches give ${one} and ${other}, which cannot be joined: batchSize must be the number of samples`,
      { layer, argument: 'batchSize', expected: first.shape, actual: odd.shape },
    )
  }
  const rows = parts.reduce((sum, { shape }) => sum + (shape[0] ?? 1), 0)
  const row = each.reduce((product, size) => product * size, 1)
  const data = new (first.data.constructor as Float32ArrayConstructor)(rows * row) as Data
  let at = 0
  for (const part of parts) {
    data.set(part.data, at)
    at += part.data.length
  }
  return new NdArray(data, [rows, ...each])
}

/** The numbers of `count` samples. */
function rows(data: Data, shape: readonly number[], start: number, count: number): Data {
  const row = shape.slice(1).reduce((product, size) => product * size, 1)
  return data.subarray(start * row, (start + count) * row)
}
