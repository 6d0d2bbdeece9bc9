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
import type { Layer } from '../../layers/layer.js'
import { camelCase } from '../../layers/names.js'
import { checkOptions } from '../../layers/options.js'
import { type CustomObjects, deserialize } from '../../layers/registry.js'
import { limitWeights } from '../../layers/weight_room.js'
import type { Model, Symbols } from '../../models/model.js'
import type { SymbolicTensor } from '../../tensor/tensor.js'
import { isHdf5, openHdf5 } from '../hdf5.js'
import { bytesOf, readSource, type Source } from '../source.js'
import { Archive } from '../zip.js'
import { jsonLimits, layersOf, readFamily, readJson, readModelConfig, type Serialized } from './config.js'
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
 * TypeScript cannot see what is in the file: the model is typed as one with a single output. For others say their form,
 * `loadModel<SymbolicTensor[]>(…)`.
 *
 * @throws {ImportError} when the file is damaged or no such file
 * @throws {UnsupportedError} when it holds a layer or argument that is not supported; the error names both
 */
export async function loadModel<const S extends Symbols = SymbolicTensor>(
  source: Source | Promise<Source>,
  options: LoadOptions = {},
): Promise<Model<S>> {
  return load(await readSource(source, 'loadModel'), options, 'loadModel') as Model<never>
}

/** `loadModel` for bytes that are at hand. */
export function loadModelSync<const S extends Symbols = SymbolicTensor>(
  bytes: ArrayBuffer | ArrayBufferView,
  options: LoadOptions = {},
): Model<S> {
  return load(bytesOf(bytes, 'loadModelSync'), options, 'loadModelSync') as Model<never>
}

function load(bytes: Uint8Array, options: LoadOptions, caller: string): Model {
  checkOptions(caller, options, ['customObjects'])
  if (isHdf5(bytes)) {
    throw new UnsupportedError(
      `${caller}: this is an HDF5 file, the older format; load it in Keras and save it as .keras`,
      { argument: 'source', expected: 'a .keras file' },
    )
  }
  const archive = new Archive(bytes)
  const family = readFamily(readJson(archive.read('metadata.json', jsonLimits.bytes), 'metadata.json'))
  const numbers = archive.read('model.weights.h5')
  const weights = openHdf5(numbers, 'model.weights.h5')
  const json = readJson(archive.read('config.json', jsonLimits.bytes), 'config.json')
  const config = readModelConfig(json, family)
  // No layer may take memory for weights that the file cannot hold.
  const make = (each: Serialized) =>
    limitWeights(numbers.length / 4, () => deserialize(each, options.customObjects))
  const model = build(config, make)
  try {
    loadWeights(model, config, weights)
    return model
  } catch (error) {
    model.dispose()
    throw translated(error, 'model.weights.h5', config)
  }
}

/** The model; an error says which layer is to blame when it cannot be made by itself. */
function build(config: Serialized, make: (each: Serialized) => Layer): Model {
  try {
    return make(config) as Model
  } catch (error) {
    for (const [i, each] of layersOf(config).entries()) {
      try {
        make(each).dispose()
      } catch (own) {
        const name = String(each.config.name ?? each.class_name).slice(0, 80)
        throw translated(own, `config.json/layers/${i} ("${name}")`, each)
      }
    }
    throw translated(error, 'config.json', config)
  }
}

/** Arguments that say how layers hang together: a file in which they are wrong is damaged. */
const structure = new Set(['name', 'layers', 'inbound_nodes', 'input_layers', 'output_layers'])

/** Whatever went wrong as an error about the file: `written` at `path`. */
function translated(error: unknown, path: string, written: Serialized): unknown {
  const keep = [ImportError, DisposedError, EngineError, MemoryError]
  if (keep.some(kind => error instanceof kind)) return error
  const cause = error as Error
  const message = `${path}: ${cause.message}`
  const { layer, argument, expected, actual } = error instanceof LayerRnnError ? error : ({} as LayerRnnError)
  // A name in the file that we do not know; a value of the wrong kind comes with what was expected.
  const unknown =
    error instanceof ArgumentError &&
    expected === undefined &&
    argument !== undefined &&
    !structure.has(argument) &&
    mentions(written.config, argument)
  if (unknown || error instanceof UnsupportedError) {
    return new UnsupportedError(message, { layer, argument, expected, actual, cause })
  }
  return new ImportError(message, { path, layer, argument, expected, actual, cause })
}

/** Whether `argument` (camelCase) is a key anywhere in a config. */
function mentions(value: unknown, argument: string): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([key, item]) => camelCase(key) === argument || mentions(item, argument))
}
