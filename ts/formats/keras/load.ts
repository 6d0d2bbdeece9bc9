/** `.keras` archives into models. */
import {
  ArgumentError,
  DisposedError,
  EngineError,
  ImportError,
  LayerRnnError,
  MemoryError,
  UnsupportedError,
} from '../../errors.js'
import { hint } from '../../layers/names.js'
import { type CustomObjects, deserialize } from '../../layers/registry.js'
import { limitWeights } from '../../layers/weight_room.js'
import type { Model } from '../../models/model.js'
import { openHdf5 } from '../hdf5.js'
import { bytesOf, readSource, type Source } from '../source.js'
import { Archive } from '../zip.js'
import { jsonLimits, readFamily, readJson, readModelConfig } from './config.js'
import { loadWeights } from './weights.js'

/** Options of `loadModel`. */
export interface LoadOptions {
  /** Classes of your own by the names under which the file has them; `registerSerializable` does the same for all files. */
  customObjects?: CustomObjects
}

/**
 * A model from a `.keras` file, as Keras 3 and tf_keras write them.
 *
 *     const model = await loadModel(fetch('model.keras'))
 *
 * @throws {ImportError} when the file is damaged or no such file
 * @throws {UnsupportedError} when it holds a layer or argument that is not supported; the error names both
 */
export async function loadModel(source: Source | Promise<Source>, options: LoadOptions = {}): Promise<Model> {
  return load(await readSource(source, 'loadModel'), options, 'loadModel')
}

/** `loadModel` for bytes that are at hand. */
export function loadModelSync(bytes: ArrayBuffer | ArrayBufferView, options: LoadOptions = {}): Model {
  return load(bytesOf(bytes, 'loadModelSync'), options, 'loadModelSync')
}

function load(bytes: Uint8Array, options: LoadOptions, caller: string): Model {
  for (const name of Object.keys(options)) {
    if (name === 'customObjects') continue
    throw new ArgumentError(`${caller} has no option "${name}"${hint(name, ['customObjects'])}`, {
      argument: name,
    })
  }
  const archive = new Archive(bytes)
  const family = readFamily(readJson(archive.read('metadata.json', jsonLimits.bytes), 'metadata.json'))
  const numbers = archive.read('model.weights.h5')
  const weights = openHdf5(numbers, 'model.weights.h5')
  const config = readModelConfig(
    readJson(archive.read('config.json', jsonLimits.bytes), 'config.json'),
    family,
  )
  // No layer may take memory for weights that the file cannot hold.
  const model = translated('config.json', () =>
    limitWeights(numbers.length / 4, () => deserialize(config, options.customObjects) as Model),
  )
  try {
    translated('model.weights.h5', () => loadWeights(model, config, weights))
    return model
  } catch (error) {
    model.dispose()
    throw error
  }
}

/** Arguments that say how layers hang together: a file in which they are wrong is damaged. */
const structure = new Set(['name', 'layers', 'inbound_nodes', 'input_layers', 'output_layers'])

/** Whatever fails inside `run` becomes an error about the file. */
function translated<T>(path: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    const keep = [ImportError, UnsupportedError, DisposedError, EngineError, MemoryError]
    if (keep.some(kind => error instanceof kind)) throw error
    const cause = error as Error
    const { layer, argument, expected, actual } =
      error instanceof LayerRnnError ? error : ({} as LayerRnnError)
    // A name that we do not know; a value of the wrong kind comes with what was expected.
    const unknown = error instanceof ArgumentError && layer !== undefined && expected === undefined
    if (unknown && argument !== undefined && !structure.has(argument)) {
      throw new UnsupportedError(`${path}: ${cause.message}`, { layer, argument, actual, cause })
    }
    throw new ImportError(`${path}: ${cause.message}`, { path, layer, argument, expected, actual, cause })
  }
}
