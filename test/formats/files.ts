/** The committed model files, and archives made from them. */
import { readdirSync, readFileSync } from 'node:fs'
import { unzipSync, zipSync } from 'fflate'
import * as assert from 'uvu/assert'
import { currentEngine } from '../../ts/engine/engine.js'
import { leaves } from '../../ts/layers/structure.js'
import type { Model } from '../../ts/models/model.js'
import type { NdArray } from '../../ts/tensor/ndarray.js'
import { assertClose, numbersOf, type Stored } from '../fixtures/replay.js'

const folder = 'test/fixtures/models'

const namesIn = (folder: string, ending: string): readonly string[] =>
  readdirSync(folder)
    .filter(name => name.endsWith(ending))
    .map(name => name.slice(0, -ending.length))
    .sort()

/** `masking_keras3`, …: the models that both families saved, and their neighbours. */
export const modelNames = namesIn(folder, '.keras')

/** The HDF5 files, of models and of weights alone. */
export const h5Names = namesIn(`${folder}/../h5`, '.h5')

export function modelFile(name: string): Uint8Array {
  return read(`${name}.keras`)
}

export function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(`${folder}/${name}`))
}

export function readJson<T>(name: string): T {
  return JSON.parse(readFileSync(`${folder}/${name}`, 'utf8'))
}

/** The archive of a model with some of its files changed; undefined leaves one out. */
export function repacked(
  name: string,
  change: (files: Record<string, Uint8Array>) => void,
  level: 0 | 6 = 0,
): Uint8Array {
  const files = unzipSync(modelFile(name))
  change(files)
  return zipSync(files, { level })
}

// biome-ignore lint/suspicious/noExplicitAny: JSON of any form
export type Json = any

/** The archive of a model with its config changed. */
export function reconfigured(name: string, change: (config: Json) => void): Uint8Array {
  return repacked(name, files => {
    const config = JSON.parse(new TextDecoder().decode(files['config.json']))
    change(config)
    files['config.json'] = new TextEncoder().encode(JSON.stringify(config))
  })
}

/** What is alive in the engine. */
export function handles(): { tensors: number; programs: number } {
  const { tensors, programs } = currentEngine().stats()
  return { tensors, programs }
}

/** What a script recorded of a model. */
export interface Recorded {
  inputs: (Stored | number[][])[]
  outputs: Stored[]
  input_names?: string[]
  output_names?: string[]
}

function input(stored: Stored | number[][]): unknown {
  if (Array.isArray(stored)) return stored
  const numbers = [...numbersOf(stored)]
  const nest = (shape: number[], at: number): unknown => {
    if (shape.length === 0) return numbers[at]
    const [size, ...rest] = shape
    const step = rest.reduce((a, b) => a * b, 1)
    return Array.from({ length: size! }, (_, i) => nest(rest, at + i * step))
  }
  return nest(stored.shape, 0)
}

/** The model answers what was recorded. */
export function assertAnswers(model: Model, recorded: Recorded): void {
  const inputs = recorded.inputs.map(input)
  const named =
    recorded.input_names && Object.fromEntries(recorded.input_names.map((each, i) => [each, inputs[i]]))
  const result = model.predict((named ?? (inputs.length === 1 ? inputs[0] : inputs)) as never) as unknown
  const outputs = recorded.output_names
    ? recorded.output_names.map(each => (result as Record<string, NdArray>)[each]!)
    : (leaves(result as never) as NdArray[])
  assert.is(outputs.length, recorded.outputs.length)
  for (const [i, output] of outputs.entries()) {
    assert.equal(output.shape, recorded.outputs[i]!.shape)
    assertClose(`output ${i}`, output.data as Float32Array, recorded.outputs[i]!)
  }
}
