/** Files and pipes, and what the formats mean for a model. */
import { createReadStream, createWriteStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { extname } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { loadModelSync } from '../entry/keras.js'
import { leaves, type Nested } from '../layers/structure.js'
import { numbersOf } from '../layers/values.js'
import { arrange } from '../models/io.js'
import type { Model } from '../models/model.js'
import { inputsOf } from '../models/trace_model.js'
import { NdArray } from '../tensor/ndarray.js'
import type { Data } from '../tensor/shape.js'
import { about, Failure, shown, UsageError } from './fail.js'
import { readNpy, writeNpy } from './npy.js'
import { csvText, jsonText, readCsv } from './text.js'

export const formats = ['npy', 'csv', 'json'] as const
export type Format = (typeof formats)[number]

/** Results by the names of the model's outputs, in their order. */
export type Results = ReadonlyMap<string, NdArray<Data>>

export const isFormat = (name: string): name is Format => (formats as readonly string[]).includes(name)

/** The format that an option or, without it, the file's name says. */
export function formatOf(file: string, given: string | undefined, option: string): Format {
  const name = given ?? extname(file).slice(1).toLowerCase()
  if (isFormat(name)) return name
  const known = formats.join(', ')
  if (given !== undefined) throw new UsageError(`--${option} is one of ${known}, not ${given}`)
  throw new UsageError(`${shown(file)}: say its format with --${option} (${known})`)
}

export const readBytes = (file: string): Promise<Uint8Array> =>
  about(file, () => (file === '-' ? buffer(process.stdin) : readFile(file)))

/** A file as it comes, for reading line by line. */
export const openInput = (file: string): Readable => (file === '-' ? process.stdin : createReadStream(file))

type Pieces = Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>

/** Writes pieces as they come; a file is not touched before the first one is there. */
export function write(file: string, pieces: Pieces): Promise<void> {
  return about(file === '-' ? 'standard output' : file, async () => {
    const iterator = iterate(pieces)
    const first = await iterator.next()
    const target = file === '-' ? process.stdout : createWriteStream(file)
    await pipeline(Readable.from(all(first, iterator), { objectMode: true }), target, { end: file !== '-' })
  })
}

async function* iterate(pieces: Pieces): AsyncGenerator<string | Uint8Array> {
  yield* pieces
}

async function* all<T>(first: IteratorResult<T>, rest: AsyncGenerator<T>): AsyncGenerator<T> {
  if (first.done) return
  yield first.value
  yield* rest
}

export async function openModel(file: string): Promise<Model> {
  if (file !== '-' && (await about(file, () => stat(file))).isDirectory()) {
    const remedy = "Keras's model.save('model.keras') writes a file"
    throw new Failure(`${file}: this is a folder, as a SavedModel is; ${remedy}`)
  }
  const bytes = await readBytes(file)
  return about(file, () => loadModelSync(bytes) as unknown as Model)
}

/** How many samples the model always takes; undefined when it takes any number. */
export const fixedBatch = (model: Model): number | undefined => inputsOf(model)[0]!.shape[0] ?? undefined

/** The arrays for the model's inputs, in order, from the bytes of a file. */
export function decode(model: Model, bytes: Uint8Array, format: Format): NdArray<Data>[] {
  const symbols = inputsOf(model)
  return arrange(model.name, 'inputs', model.inputs, content(model, bytes, format)).map((value, i) => {
    const { dtype, shape, name } = symbols[i]!
    const { data, shape: sizes } = numbersOf(model.name, name, value, {
      dtype,
      shape: [null, ...shape.slice(1)], // cut into batches later
    })
    return new NdArray(data, sizes)
  })
}

function content(model: Model, bytes: Uint8Array, format: Format): unknown {
  if (format === 'npy') return readNpy(bytes)
  const text = new TextDecoder().decode(bytes)
  if (format === 'json') {
    try {
      return JSON.parse(text)
    } catch (error) {
      throw new Failure((error as Error).message)
    }
  }
  const rows = readCsv(text)
  // A table is one sequence of vectors; of ids or plain vectors each line is a sample.
  return inputsOf(model)[0]!.shape.length > 2 ? [rows] : rows
}

/** What a model's outputs are called: as they were named, or after their layers. */
export function outputNames(model: Model): string[] {
  const outputs = model.outputs
  if (typeof outputs === 'object' && !Array.isArray(outputs) && leaves(outputs)[0] !== outputs)
    return Object.keys(outputs)
  const names: string[] = []
  for (const { node } of leaves(outputs)) {
    const { name } = node.layer
    let free = name
    for (let n = 1; names.includes(free); n++) free = `${name}_${n}`
    names.push(free)
  }
  return names
}

/** Results with their names. */
export function named(model: Model, results: Nested<NdArray<Data>>): Results {
  const names = outputNames(model)
  return new Map(leaves(results).map((result, i) => [names[i]!, result]))
}

/** The pieces of a file of results. */
export function* encode(results: Results, format: Format): Generator<string | Uint8Array> {
  const [first, ...others] = results.values()
  if (others.length > 0 && format !== 'json') {
    const names = [...results.keys()].join(', ')
    throw new Failure(`the model has ${results.size} outputs (${names}), and only JSON holds several`)
  }
  if (format === 'npy') yield writeNpy(first!)
  else if (format === 'csv') yield* csvText(first!)
  else if (others.length === 0) yield* jsonText(first!)
  else {
    let before = '{'
    for (const [name, result] of results) {
      yield `${before}${JSON.stringify(name)}:`
      yield* jsonText(result)
      before = ','
    }
    yield '}'
  }
  if (format === 'json') yield '\n'
}
