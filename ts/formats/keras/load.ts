/** Files of Keras into models: `.keras` archives, HDF5 files, and weights alone. */
import type { FileBytes } from '../../engine/file_bytes.js'
import {
  ArgumentError,
  beginning,
  DisposedError,
  EngineError,
  ImportError,
  LayerRnnError,
  MemoryError,
  UnsupportedError,
} from '../../errors.js'
import { deserialize } from '../../layers/builtin.js'
import type { Layer } from '../../layers/layer.js'
import { camelCase } from '../../layers/names.js'
import { checkOptions } from '../../layers/options.js'
import { type CustomObjects, registerBuiltin, registerOps, serialize } from '../../layers/registry.js'
import { limitWeights } from '../../layers/weight_room.js'
import { Model, type Symbols } from '../../models/model.js'
import type { SymbolicTensor, Variable } from '../../tensor/tensor.js'
import { isHdf5, openHdf5 } from '../hdf5.js'
import { bytesOf, readSource, type Source } from '../source.js'
import { Archive, isZip } from '../zip.js'
import { familyOf, jsonLimits, layersOf, readJson, readModelConfig, type Serialized } from './config.js'
import { withoutCudnn } from './cudnn.js'
import { fileActivations, noises } from './file_layers.js'
import { fileOpOf } from './file_ops.js'
import { merges } from './merge.js'
import { countNumbers, findOlderWeights, isOlder, readOlderConfig } from './older.js'
import { assignWeights, findWeights, type Numbers } from './weights.js'

registerBuiltin([...fileActivations, ...noises, ...merges])
registerOps(fileOpOf)

/** Options of `loadModel`. */
export interface LoadOptions {
  /** Classes of your own by the names under which the file has them; `registerSerializable` does the same for all files. */
  customObjects?: CustomObjects
}

/**
 * A model from a `.keras` file, as Keras 3 and tf_keras write them, or an `.h5` file of Keras 1 to 3.
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
  bytes: FileBytes,
  options: LoadOptions = {},
): Model<S> {
  return load(bytesOf(bytes, 'loadModelSync'), options, 'loadModelSync') as Model<never>
}

/**
 * Numbers from a file into a model that is there: a file of weights (`.weights.h5`, or `.h5` as Keras wrote them before), or the
 * weights of a whole model (`.keras`, `.h5`). All weights are assigned, or none.
 *
 * @throws {ImportError} when the layers or shapes of the file are not the model's
 * @throws {StateError} when the model is not built
 */
export function loadWeights(model: Model, bytes: FileBytes): void {
  if (!((model as unknown) instanceof Model))
    throw new ArgumentError('loadWeights(model, file) takes a model and the bytes of a file', {
      argument: 'model',
    })
  void model.graph // says so when it is not built
  const written = serialize(model) as unknown as Serialized
  const { find, place } = open(bytesOf(bytes, 'loadWeights'))
  assignWeights(model, find(model, written), place)
}

function load(bytes: Uint8Array, options: LoadOptions, caller: string): Model {
  checkOptions(caller, options, ['customObjects'])
  const file = open(bytes)
  const config = file.config()
  // No layer may take memory for weights that the file cannot hold.
  const make = (each: Serialized) =>
    limitWeights(file.numbers, () => deserialize(withoutCudnn(each), options.customObjects))
  const model = build(config, file.path, make)
  try {
    assignWeights(model, file.find(model, config), file.place)
    return model
  } catch (error) {
    model.dispose()
    throw translated(error, file.place, config)
  }
}

/** A file of a model or of weights. */
interface ModelFile {
  /** The model's config; a file of weights has none. */
  config(): Serialized
  /** Where the config stands, and where the weights do. */
  readonly path: string
  readonly place: string
  /** How many numbers there can be. */
  readonly numbers: number
  find(model: Model, config: Serialized): ReadonlyMap<Variable, Numbers>
}

/** For those who have another of Keras's exports: a SavedModel, a model for TensorFlow.js or TensorFlow Lite. */
const remedy = "Keras's model.save('model.keras') writes one"

function open(bytes: Uint8Array): ModelFile {
  if (isHdf5(bytes)) return openOlder(bytes)
  if (!isZip(bytes))
    throw new ImportError(
      `this is neither a .keras archive nor an HDF5 file: it ${beginning(bytes)}; ${remedy}`,
      {},
    )
  const archive = new Archive(bytes)
  const json = (name: string) => readJson(archive.read(name, jsonLimits.bytes), name)
  const family = familyOf(json('metadata.json').keras_version, 'metadata.json')
  const place = 'model.weights.h5'
  const packed = archive.read(place)
  const weights = openHdf5(packed, place)
  return {
    config: () => readModelConfig(json('config.json'), family, 'config.json'),
    path: 'config.json',
    place,
    numbers: packed.length / 4,
    find: (model, config) => findWeights(model, config, weights),
  }
}

/** HDF5 as a file of its own: as Keras wrote models before `.keras`, or weights alone in either layout. */
function openOlder(bytes: Uint8Array): ModelFile {
  const place = 'the HDF5 file'
  const file = openHdf5(bytes, place)
  const newer = file.has('layers') && !isOlder(file)
  return {
    config: () => readOlderConfig(file),
    path: 'model_config',
    place,
    numbers: newer ? bytes.length / 4 : countNumbers(file, bytes.length),
    find: newer
      ? (model, config) => findWeights(model, config, file)
      : (model, config) => findOlderWeights(model, config, file),
  }
}

/** The model; an error says which layer is to blame when it cannot be made by itself. */
function build(config: Serialized, path: string, make: (each: Serialized) => Layer): Model {
  try {
    return make(config) as Model
  } catch (error) {
    for (const [i, each] of layersOf(config).entries()) {
      try {
        make(each).dispose()
      } catch (own) {
        const name = String(each.config.name ?? each.class_name).slice(0, 80)
        throw translated(own, `${path}/layers/${i} ("${name}")`, each)
      }
    }
    throw translated(error, path, config)
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
