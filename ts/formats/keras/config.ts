/**
 * The JSON files of a `.keras` archive, checked. Names that mean something else in Keras 2 are translated here; the
 * layers' own `fromConfig` reads both forms of everything else (docs/keras-files.md).
 */
import { ImportError, UnsupportedError } from '../../errors.js'
import { isKeras } from '../../layers/registry.js'
import { isPlain } from '../../layers/structure.js'
import { utf8 } from '../text.js'
import { isMerge } from './merge.js'

/** The major version of the Keras that wrote a file; 2 is also tf_keras and tf.keras. */
export type Family = 2 | 3

/** Bounds on a file's JSON: no model that people made comes near them. */
export const jsonLimits = { bytes: 2 ** 26, depth: 100, parts: 2000 } as const

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
    text = utf8(bytes)
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

/** The family of the Keras that `version` names; it stands at `path`. */
export function familyOf(version: unknown, path: string): Family {
  const major = typeof version === 'string' ? /^(\d+)\.\d/.exec(version)?.[1] : undefined
  if (major === undefined) throw new ImportError(`${path} names no keras_version`, { path, actual: version })
  if (major === '2' || major === '3') return Number(major) as Family
  throw new UnsupportedError(`the file is written by Keras ${version}; versions 2 and 3 are read`, {
    argument: 'keras_version',
    expected: [2, 3],
    actual: version,
  })
}

/** The model's config, which stands at `path`, with Keras 3's names. */
export function readModelConfig(value: unknown, family: Family, path: string): Serialized {
  const parts = countParts(value)
  if (parts > jsonLimits.parts) {
    const what = `${parts} layers, cells and calls`
    throw new ImportError(`${path} lists ${what}, the limit is ${jsonLimits.parts}`, { path, actual: parts })
  }
  const model = translate(value, family) as Serialized
  checkModel(model, path)
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
    else if (i > 0 || model.class_name !== 'Sequential') forgetShape(layer)
  }
}

/** Keras overlooks the input shape of a layer that others feed, even a wrong one; here it must be right. */
function forgetShape({ class_name, config }: Serialized): void {
  if (class_name === 'InputLayer') return
  delete config.batch_input_shape
  for (const inner of [config.layer, config.backward_layer]) if (isSerialized(inner)) forgetShape(inner)
}

/** How many layers, cells and calls of layers a config lists. */
function countParts(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return Object.entries(value).reduce((total, [key, item]) => {
    const listed = Array.isArray(item) && (key === 'layers' || key === 'cells' || key === 'inbound_nodes')
    return total + (listed ? item.length : 0) + countParts(item)
  }, 0)
}

export function isSerialized(value: unknown): value is Serialized {
  return isPlain(value) && typeof value.class_name === 'string' && isPlain(value.config)
}

/** A copy of `value` with the names of family 3. */
function translate(value: unknown, family: Family): unknown {
  if (Array.isArray(value)) return value.map(item => translate(item, family))
  if (!isPlain(value)) return value
  const entries = Object.entries(value).map(([key, item]): [string, unknown] => {
    const older = family === 2 && (key === 'activation' || key === 'recurrent_activation')
    return [
      key,
      older && functionName(item) === 'hard_sigmoid' ? 'hard_sigmoid_keras2' : translate(item, family),
    ]
  })
  const translated = Object.fromEntries(entries)
  // merge layers of family 2 have another rule for masks
  const merges =
    family === 2 && isSerialized(translated) && isKeras(translated) && isMerge(translated.class_name)
  if (merges) translated.config = { ...(translated.config as object), every_mask: true }
  // ops have neither masks nor `trainable`
  const called = family === 3 && isSerialized(translated) && 'trainable' in translated.config
  if (called && Array.isArray(translated.inbound_nodes))
    translated.inbound_nodes = translated.inbound_nodes.map(withoutMask)
  return translated
}

/** In Keras 3, a layer that is called with several tensors, as with initial states, overlooks the mask that they carry. */
function withoutMask(node: unknown): unknown {
  if (!isPlain(node) || !Array.isArray(node.args) || !isPlain(node.kwargs)) return node
  const { args, kwargs } = node
  const several = args.length > 1 || (kwargs.initial_state ?? null) !== null
  return several && (kwargs.mask ?? null) === null ? { ...node, kwargs: { ...kwargs, mask: false } } : node
}

/** Keras writes a function as its name, or as an object around it. */
function functionName(value: unknown): unknown {
  return isPlain(value) && value.class_name === 'function' ? value.config : value
}

/** Deep JSON would exhaust the stack of whoever walks it. */
function checkDepth(text: string, path: string): void {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x22) {
      i = closing(text, i)
      if (i < 0) return
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

/** Where the string that begins at `start` ends; -1 where it does not. */
function closing(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  const escaped = (at: number) => {
    let first = at
    while (text.charCodeAt(first - 1) === 0x5c) first--
    return (at - first) % 2 === 1
  }
  while (end >= 0 && escaped(end)) end = text.indexOf('"', end + 1)
  return end
}
