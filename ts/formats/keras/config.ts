/**
 * `config.json` of a `.keras` archive: checked, and brought into the one form that our layers read (Keras 3's).
 * What Keras 2 writes differently is translated here and nowhere else; docs/keras-files.md lists it.
 */
import { ImportError, UnsupportedError } from '../../errors.js'
import { isPlain } from '../../layers/structure.js'

/** The major version of the Keras that wrote a file; 2 is also tf_keras and tf.keras. */
export type Family = 2 | 3

/** Bounds on a file's JSON: no model that people made comes near them. */
export const jsonLimits = { bytes: 2 ** 26, depth: 100 } as const

/** A layer or model in a config. */
export interface Serialized {
  class_name: string
  config: Record<string, unknown>
  [key: string]: unknown
}

/** Parses JSON of bounded depth. `path` is the file's name in the archive. */
export function readJson(bytes: Uint8Array, path: string): Record<string, unknown> {
  let text: string
  let value: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new ImportError(`${path} is no UTF-8 text`, { path, cause })
  }
  checkDepth(text, path)
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new ImportError(`${path} is no JSON: ${(cause as Error).message}`, { path, cause })
  }
  if (!isPlain(value)) throw new ImportError(`${path} holds no object`, { path })
  return value
}

/** The family from `metadata.json`. */
export function readFamily(metadata: Record<string, unknown>): Family {
  const version = metadata.keras_version
  const path = 'metadata.json'
  const major = typeof version === 'string' ? /^(\d+)\.\d/.exec(version)?.[1] : undefined
  if (major === undefined) throw new ImportError(`${path} names no keras_version`, { path, actual: version })
  if (major === '2' || major === '3') return Number(major) as Family
  throw new UnsupportedError(`the file is written by Keras ${version}; versions 2 and 3 are read`, {
    argument: 'keras_version',
    expected: [2, 3],
    actual: version,
  })
}

/** The model's config in Keras 3's form. */
export function readModelConfig(value: unknown, family: Family): Serialized {
  const model = convert(value, family, 'config.json') as Serialized
  checkModel(model, 'config.json')
  return model
}

/** The layers of a model's config, in the order of the file. */
export function layersOf(model: Serialized): Serialized[] {
  return model.config.layers as Serialized[]
}

export function isModel(value: Serialized): boolean {
  return (
    value.class_name === 'Sequential' || value.class_name === 'Functional' || value.class_name === 'Model'
  )
}

function checkModel(model: Serialized, path: string): void {
  if (!isSerialized(model))
    throw new ImportError(`${path} is no model: it has no class_name and config`, { path })
  if (!isModel(model)) {
    throw new UnsupportedError(
      `${path} holds a ${model.class_name}; Sequential and functional models are read`,
      {
        layer: model.class_name,
        actual: model.class_name,
      },
    )
  }
  const { layers } = model.config
  if (!Array.isArray(layers)) throw new ImportError(`${path} lists no layers`, { path })
  for (const [i, layer] of layers.entries()) {
    const at = `${path}/layers/${i}`
    if (!isSerialized(layer))
      throw new ImportError(`${at} is no layer: it has no class_name and config`, { path: at })
    if (isModel(layer)) checkModel(layer, at)
  }
}

function isSerialized(value: unknown): value is Serialized {
  return isPlain(value) && typeof value.class_name === 'string' && isPlain(value.config)
}

/** A copy of `value` with every serialized object in it in Keras 3's form. */
function convert(value: unknown, family: Family, path: string): unknown {
  if (Array.isArray(value)) return value.map((item, i) => convert(item, family, `${path}/${i}`))
  if (!isPlain(value)) return value
  const copy: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) {
    const at = `${path}/${key}`
    if (key === 'inbound_nodes') copy[key] = family === 2 ? convertNodes(item, at) : item
    // Not ours to read: Keras builds from them, we build from the layers' own options.
    else if (key === 'build_config' || key === 'compile_config' || key === 'shared_object_id') continue
    else define(copy, key, convert(item, family, at))
  }
  if (isSerialized(copy)) {
    if (copy.class_name === 'InputLayer') copy.config = convertInput(copy.config)
    else copy.config = convertOptions(copy.config, family)
  }
  return copy
}

/** Own property, whatever the name: JSON may hold `__proto__`. */
function define(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true })
}

function convertInput(config: Record<string, unknown>): Record<string, unknown> {
  const { batch_input_shape, ...rest } = config
  if (batch_input_shape !== undefined) rest.batch_shape = batch_input_shape
  return without(rest, { sparse: false, ragged: false, optional: false })
}

function convertOptions(config: Record<string, unknown>, family: Family): Record<string, unknown> {
  const options = without(config, { input_axes: null, output_axes: null })
  if (family === 2) {
    for (const key of ['activation', 'recurrent_activation']) {
      if (functionName(options[key]) === 'hard_sigmoid') options[key] = 'hard_sigmoid_keras2'
    }
  }
  return options
}

/** `config` without the options that have the one value which changes nothing. */
function without(config: Record<string, unknown>, idle: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).filter(([key, value]) => !(Object.hasOwn(idle, key) && idle[key] === value)),
  )
}

/** Keras writes a function as its name, or as an object around it. */
function functionName(value: unknown): unknown {
  return isPlain(value) && value.class_name === 'function' ? value.config : value
}

/**
 * Keras 2: a node is a list of `[layer, node, tensor, kwargs]`, for a single input the list may be one such entry; a dict
 * of inputs is a dict of them. Keras 3: `{ args: [tensors], kwargs }` with tensors as `{ class_name: '__keras_tensor__' }`.
 */
function convertNodes(nodes: unknown, path: string): unknown {
  if (!Array.isArray(nodes)) throw new ImportError(`${path} is no list of nodes`, { path })
  return nodes.map((node, i) => {
    const kwargs: Record<string, unknown> = {}
    const inputs = convertTensors(node, kwargs, `${path}/${i}`)
    return { args: [Array.isArray(inputs) && inputs.length === 1 ? inputs[0] : inputs], kwargs }
  })
}

function convertTensors(value: unknown, kwargs: Record<string, unknown>, path: string): unknown {
  if (isPlain(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, convertTensors(item, kwargs, `${path}/${key}`)]),
    )
  }
  if (!Array.isArray(value)) throw new ImportError(`${path} names no tensor`, { path })
  if (!isReference(value)) return value.map((item, i) => convertTensors(item, kwargs, `${path}/${i}`))
  for (const [key, item] of Object.entries(isPlain(value[3]) ? value[3] : {})) {
    define(kwargs, key, isReference(item) ? tensorOf(item) : item)
  }
  return tensorOf(value)
}

function isReference(value: unknown): value is [string, number, number, unknown?] {
  return (
    Array.isArray(value) &&
    typeof value[0] === 'string' &&
    Number.isInteger(value[1]) &&
    Number.isInteger(value[2]) &&
    (value.length === 3 || value.length === 4)
  )
}

function tensorOf([layer, node, tensor]: [string, number, number, unknown?]): unknown {
  return { class_name: '__keras_tensor__', config: { keras_history: [layer, node, tensor] } }
}

/** Deep JSON would exhaust the stack of whoever walks it. */
function checkDepth(text: string, path: string): void {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x22) {
      for (i++; i < text.length && text.charCodeAt(i) !== 0x22; i++) if (text.charCodeAt(i) === 0x5c) i++
    } else if (c === 0x5b || c === 0x7b) {
      if (++depth > jsonLimits.depth) {
        throw new ImportError(`${path} is nested deeper than ${jsonLimits.depth} levels`, {
          path,
          expected: jsonLimits.depth,
        })
      }
    } else if (c === 0x5d || c === 0x7d) depth--
  }
}
