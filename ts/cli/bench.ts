/** `layer-rnn bench`: how long a model takes here, and how much memory. */

import { UnsupportedError } from '../errors.js'
import { Embedding } from '../layers/embedding.js'
import type { Layer } from '../layers/layer.js'
import { pack } from '../layers/structure.js'
import type { Model } from '../models/model.js'
import { inputsOf, isIds } from '../models/trace_model.js'
import { NdArray } from '../tensor/ndarray.js'
import type { Data } from '../tensor/shape.js'
import { about, Failure } from './fail.js'
import { fixedBatch, openModel, write } from './files.js'
import { Progress } from './progress.js'

export interface BenchOptions {
  batch?: number
  steps: number
  seconds: number
  json: boolean
}

/** Over how many steps the growth of the heap is seen. */
const heapSteps = 10_000

/** Microseconds. */
interface Times {
  first: number
  p50: number
  p90: number
  p99: number
  max: number
  count: number
}

interface Report {
  model: string
  parameters: number
  batch: number
  steps: number
  /** Milliseconds to read the file and make the model. */
  load: number
  step?: Times
  /** Why the model cannot run step by step. */
  noStep?: string
  sequence: Times
  /** Bytes. */
  memory: { webAssembly: number; inUse: number; heapPerStep?: number }
}

export async function bench(file: string, options: BenchOptions): Promise<void> {
  const start = performance.now()
  const model = await openModel(file)
  const load = performance.now() - start
  const report = await about(file, () => measure(model, load, options))
  await write('-', [options.json ? `${JSON.stringify(report)}\n` : table(file, report)])
  model.dispose()
}

function measure(model: Model, load: number, { batch: given, steps, seconds }: BenchOptions): Report {
  const batch = given ?? fixedBatch(model) ?? 1
  const known = inputsOf(model)[0]!.shape[1]
  const length = known ?? steps
  const report = { model: model.name, parameters: model.countParams(), batch, steps: length, load } as Report
  let heapPerStep: number | undefined
  try {
    const stream = model.stream({ batch })
    const frame = form(model, [batch], 2, array => array.data)
    const step = () => stream.step(frame)
    report.step = timed('one step', step, seconds)
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < heapSteps; i++) step()
    heapPerStep = Math.max(0, process.memoryUsage().heapUsed - before) / heapSteps
    stream.dispose()
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error
    report.noStep = error.message
  }
  const inputs = form(model, [batch, length], 2)
  report.sequence = timed('sequence', () => model.predict(inputs, { batchSize: batch }), seconds)
  const { engine } = model
  report.memory = {
    webAssembly: engine.raw.memory.buffer.byteLength,
    inUse: engine.stats().bytes,
    ...(heapPerStep !== undefined && { heapPerStep }),
  }
  return report
}

/** Numbers for every input, in the model's form: `shape` for the first axes, the model's own behind them. */
function form(
  model: Model,
  shape: readonly number[],
  skip: number,
  as: (array: NdArray<Data>) => unknown = array => array,
): never {
  const ids = Math.min(...embeddings(model.layers).map(({ inputDim }) => inputDim))
  const values = inputsOf(model).map(tensor => {
    const rest = tensor.shape.slice(skip)
    const unknown = rest.includes(null)
    if (unknown) throw new Failure(`the input ${tensor.name} has axes of unknown size behind time`)
    const sizes = [...shape, ...(rest as number[])]
    const count = sizes.reduce((a, b) => a * b, 1)
    const data = tensor.dtype === 'float32' ? new Float32Array(count) : new Int32Array(count)
    const number = isIds(model, tensor)
      ? (i: number) => (i % (ids - 1 || 1)) + (ids > 1 ? 1 : 0)
      : (i: number) => ((i * 7919) % 1009) / 504.5 - 1
    for (let i = 0; i < count; i++) data[i] = number(i)
    return as(new NdArray<Data>(data, sizes))
  })
  return pack(model.inputs, values) as never
}

function embeddings(layers: readonly Layer[]): Embedding[] {
  return layers.flatMap(layer => (layer instanceof Embedding ? [layer] : embeddings(layer.sublayers)))
}

/** Runs `work` for some seconds and looks at how long each run took. */
function timed(what: string, work: () => unknown, seconds: number): Times {
  let start = performance.now()
  work()
  const first = (performance.now() - start) * 1000
  const progress = new Progress(what, seconds)
  const warm = performance.now() + Math.min(200, 200 * seconds)
  while (performance.now() < warm) work() // until its code is compiled
  const times: number[] = []
  const begin = performance.now()
  const end = begin + seconds * 1000
  do {
    start = performance.now()
    work()
    times.push((performance.now() - start) * 1000)
    if (times.length % 64 === 0) progress.at((start - begin) / 1000)
  } while (start < end && times.length < 5e6)
  progress.end()
  const sorted = Float64Array.from(times).sort()
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
  return { first, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: sorted.at(-1)!, count: sorted.length }
}

function table(file: string, report: Report): string {
  const { parameters, load, batch, steps, step, noStep, sequence, memory } = report
  const titles = ['first', 'p50', 'p90', 'p99', 'max']
  const row = (name: string, times: Times, each: number) =>
    [
      name.padEnd(14),
      ...[times.first, times.p50, times.p90, times.p99, times.max].map(value => micros(value).padStart(10)),
      `  ${rate((1e6 * each) / times.p50)}`,
    ].join('')
  const mega = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MB`
  return [
    `${file}: ${parameters.toLocaleString('en')} parameters, loaded in ${load.toFixed(1)} ms; batch ${batch}`,
    ' '.repeat(14) + titles.map(title => title.padStart(10)).join(''),
    step ? row('one step', step, 1) : `one step      –  ${noStep}`,
    row(`${steps} steps`, sequence, steps),
    `memory: ${mega(memory.webAssembly)} of WebAssembly, ${mega(memory.inUse)} of it in use` +
      (memory.heapPerStep === undefined ? '' : `; ${Math.round(memory.heapPerStep)} bytes of heap a step`),
    '',
  ].join('\n')
}

function micros(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} s`
  if (value >= 1e4) return `${(value / 1e3).toFixed(value < 1e5 ? 2 : 1)} ms`
  return `${value.toFixed(value < 100 ? 2 : 0)} µs`
}

const rate = (perSecond: number) =>
  `${Math.round(Number(perSecond.toPrecision(3))).toLocaleString('en')} steps/s`
