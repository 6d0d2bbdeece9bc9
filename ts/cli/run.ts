/** `layer-rnn run`: a file through a model, whole or step by step. */
import { createInterface } from 'node:readline'
import type { Nested } from '../layers/structure.js'
import { leaves, pack } from '../layers/structure.js'
import type { Model } from '../models/model.js'
import { inputsOf } from '../models/trace_model.js'
import { NdArray } from '../tensor/ndarray.js'
import type { Data } from '../tensor/shape.js'
import { about, Failure, UsageError } from './fail.js'
import {
  decode,
  encode,
  type Format,
  fixedBatch,
  formatOf,
  named,
  openInput,
  openModel,
  outputNames,
  type Results,
  readBytes,
  write,
} from './files.js'
import { Progress } from './progress.js'
import { csvLine, isHeading, noNumbers, readCsvLine } from './text.js'

export interface RunOptions {
  input: string
  output: string
  from?: string
  to?: string
  stream: boolean
  batch?: number
}

export async function run(file: string, options: RunOptions): Promise<void> {
  const { input, output, stream } = options
  const from = formatOf(input, options.from, 'from')
  const to = output === '-' && options.to === undefined ? textOf(from) : formatOf(output, options.to, 'to')
  const model = await openModel(file)
  try {
    if (stream && from === 'csv' && (options.batch ?? 1) !== 1)
      throw new UsageError('with --stream, CSV is one sequence: --batch can only be 1')
    if (stream && from === 'csv') return await streamLines(model, input, output, to)
    const bytes = await readBytes(input)
    const batch = options.batch ?? fixedBatch(model) ?? 32
    const results = await about(input, () => {
      const inputs = decode(model, bytes, from)
      return stream ? streamed(model, inputs, batch) : predicted(model, inputs, batch)
    })
    await write(output, encode(results, to))
  } finally {
    model.dispose()
  }
}

/** What is written to a terminal or pipe when nothing is said. */
const textOf = (from: Format): Format => (from === 'npy' ? 'json' : from)

function predicted(model: Model, inputs: readonly NdArray<Data>[], batch: number): Results {
  const gathered = new Gathered()
  for (const [part] of batches(inputs, batch)) {
    const result = model.predict(form(model, part), { batchSize: batch }) as Nested<NdArray<Data>>
    gathered.add(leaves(result))
  }
  return named(model, gathered.joined())
}

/** The output after every step, stacked: `[samples, steps, ...]`. */
function streamed(model: Model, inputs: readonly NdArray<Data>[], batch: number): Results {
  const steps = stepsOf(inputs)
  const gathered = new Gathered()
  for (const [part, at] of batches(inputs, batch)) {
    const rows = part[0]!.shape[0]!
    const stream = model.stream({ batch: rows })
    const outputs: NdArray<Data>[] = []
    for (let t = 0; t < steps; t++) {
      if (t % 64 === 0) at(t / steps)
      const frame = part.map(array => frameOf(array, t))
      leaves(stream.step(form(model, frame)) as Nested<Float32Array>).forEach((step, i) => {
        const width = step.length / rows
        const shape = [rows, steps, ...stepShape(model, i)]
        outputs[i] ??= new NdArray(
          new (step.constructor as Float32ArrayConstructor)(rows * steps * width),
          shape,
        )
        for (let row = 0; row < rows; row++)
          outputs[i]!.data.set(step.subarray(row * width, (row + 1) * width), (row * steps + t) * width)
      })
    }
    stream.dispose()
    gathered.add(outputs)
  }
  return named(model, gathered.joined())
}

function stepsOf(inputs: readonly NdArray<Data>[]): number {
  const [steps, ...others] = inputs.map(({ shape }) => shape[1])
  if (steps === undefined || others.some(other => other !== steps))
    throw new Failure('--stream takes inputs of the same number of steps')
  return steps
}

/** The numbers of one step: `[rows, features]`. */
function frameOf({ data, shape }: NdArray<Data>, t: number): NdArray<Data> {
  const [rows, steps, ...features] = shape as [number, number, ...number[]]
  const width = features.reduce((a, b) => a * b, 1)
  const frame = data.slice(0, rows * width)
  for (let row = 0; row < rows; row++) {
    const at = (row * steps + t) * width
    frame.set(data.subarray(at, at + width), row * width)
  }
  return new NdArray(frame, [rows, ...features])
}

/** The shape of one row's output of one step. */
function stepShape(model: Model, output: number): number[] {
  const rest = leaves(model.outputs)[output]!.shape.slice(1)
  const time = inputsOf(model)[0]!.shape[1]
  const timed = rest[0] === null || (rest.length > 1 && rest[0] === time)
  return rest.slice(timed ? 1 : 0) as number[]
}

/** Every line is a step; in CSV its output is written before the next one is read. */
function streamLines(model: Model, input: string, output: string, to: Format): Promise<void> {
  if (to === 'csv' && outputNames(model).length > 1) return write(output, encode(named(model, []), to))
  const steps = answers(model, input)
  return write(output, to === 'csv' ? asLines(steps) : collected(model, steps, to))
}

async function* asLines(steps: AsyncIterable<Data[]>): AsyncGenerator<string> {
  for await (const [output] of steps) yield csvLine(output!, dtypeOf(output!))
}

/** All steps in one file, `[1, steps, ...]`. */
async function* collected(
  model: Model,
  steps: AsyncIterable<Data[]>,
  to: Format,
): AsyncGenerator<string | Uint8Array> {
  const gathered = new Gathered()
  for await (const outputs of steps)
    gathered.add(outputs.map((output, i) => new NdArray(output.slice(), [1, ...stepShape(model, i)])))
  const whole = gathered.joined().map(({ data, shape }) => new NdArray(data, [1, ...shape]))
  yield* encode(named(model, whole), to)
}

/** The outputs of each line; the arrays are the same every time. */
async function* answers(model: Model, input: string): AsyncGenerator<Data[]> {
  const stream = await about(input, () => model.stream())
  let number = 0
  let steps = 0
  const lines = createInterface({ input: openInput(input), crlfDelay: Number.POSITIVE_INFINITY })
  for await (const line of guarded(input, lines)) {
    number++
    if (number === 1 && isHeading(line)) continue
    const step = await about(input, () => {
      const frame = readCsvLine(line, number)
      return frame && (leaves(stream.step(frame) as Nested<Data>) as Data[])
    })
    if (!step) continue
    steps++
    yield step
  }
  stream.dispose()
  if (steps === 0) await about(input, () => Promise.reject(noNumbers))
}

/** What goes wrong while reading is about the file. */
async function* guarded(file: string, lines: AsyncIterable<string>): AsyncGenerator<string> {
  const iterator = lines[Symbol.asyncIterator]()
  while (true) {
    const { value, done } = await about(file, () => iterator.next())
    if (done) return
    yield value
  }
}

const dtypeOf = (data: Data) => new NdArray(data, [data.length]).dtype

/** The inputs in the model's form. */
const form = (model: Model, parts: readonly NdArray<Data>[]) => pack(model.inputs, [...parts]) as never

type Batch = [NdArray<Data>[], at: (share: number) => void]

/** Parts of `size` samples, with a bar on stderr; `at` says how much of a part is done. */
function* batches(inputs: readonly NdArray<Data>[], size: number): Generator<Batch> {
  const samples = inputs[0]!.shape[0]!
  if (inputs.some(({ shape }) => shape[0] !== samples)) return yield [[...inputs], () => {}] // the model says what is wrong
  const progress = new Progress('samples', samples)
  let start = 0
  do {
    const rows = Math.min(size, samples - start)
    yield [inputs.map(array => part(array, start, rows)), share => progress.at(start + share * rows)]
    start += size
    progress.at(start)
  } while (start < samples)
  progress.end()
}

function part({ data, shape }: NdArray<Data>, start: number, count: number): NdArray<Data> {
  const row = shape.slice(1).reduce((a, b) => a * b, 1)
  return new NdArray(data.subarray(start * row, (start + count) * row), [count, ...shape.slice(1)])
}

/** Arrays put together along the first axis. */
class Gathered {
  readonly #parts: NdArray<Data>[][] = []

  add(outputs: readonly NdArray<Data>[]): void {
    outputs.forEach((output, i) => {
      this.#parts[i] ??= []
      this.#parts[i].push(output)
    })
  }

  joined(): NdArray<Data>[] {
    return this.#parts.map(parts => {
      const rows = parts.reduce((sum, { shape }) => sum + shape[0]!, 0)
      const size = parts.reduce((sum, { data }) => sum + data.length, 0)
      const all = new (parts[0]!.data.constructor as Float32ArrayConstructor)(size)
      let at = 0
      for (const { data } of parts) {
        all.set(data, at)
        at += data.length
      }
      return new NdArray<Data>(all, [rows, ...parts[0]!.shape.slice(1)])
    })
  }
}
