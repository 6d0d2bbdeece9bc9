/**
 * HDF5 files as Keras wrote them before `.keras`: whole models and weights. Each layer has a group that lists its weights in the
 * attribute `weight_names`; their order counts, not how they are called (docs/keras-files.md).
 */
import { ImportError } from '../../errors.js'
import type { Layer } from '../../layers/layer.js'
import type { Model } from '../../models/model.js'
import type { Variable } from '../../tensor/tensor.js'
import { Hdf5Dataset, Hdf5Group } from '../hdf5.js'
import { bestRatio } from '../hdf5_data.js'
import {
  type Family,
  familyOf,
  isModel,
  layersOf,
  readJson,
  readModelConfig,
  type Serialized,
} from './config.js'
import { fromCudnn } from './cudnn.js'
import { fromKeras1, withLayers, withResetAfter } from './older_config.js'
import { checkShape, type Numbers, nameOf } from './weights.js'

/** Whether the file has the weights of layers by their names, and not by class and position. */
export const isOlder = (file: Hdf5Group): boolean => listOf(weightsIn(file), 'layer_names') !== undefined

/** The config of the whole model in a file, with Keras 3's names. */
export function readOlderConfig(file: Hdf5Group): Serialized {
  const path = 'model_config'
  const text = file.strings(path)?.[0]
  if (text === undefined)
    throw new ImportError(
      'the file holds weights and no model; make the model, then loadWeights(model, file) of layer-rnn/keras',
      { path },
    )
  const version = file.strings('keras_version')?.[0] ?? '1.0' // the first versions wrote none
  const json = withLayers(readJson(new TextEncoder().encode(text), path))
  const family: Family = version.startsWith('1.') ? 2 : familyOf(version, 'keras_version')
  const named = version.startsWith('1.') ? fromKeras1(json) : json
  const config = readModelConfig(named, family, path)
  const groups = weightsIn(file)
  return withResetAfter(config, (layer, units) => {
    const all = groups.has(layer) ? datasetsOf(groups.get(layer) as Hdf5Group) : []
    return all.some(
      ({ path, shape }) => /bias[^/]*$/.test(path) && shape.length === 2 && shape[1] === 3 * units,
    )
  }) as Serialized
}

/** How many numbers the layers of a file of `length` bytes can have: those that it says, as far as it can hold them. */
export function countNumbers(file: Hdf5Group, length: number): number {
  const groups = weightsIn(file)
  const all = layerNames(groups).flatMap(name => datasetsOf(groupOf(groups, name)))
  const sum = (packed: boolean) =>
    all
      .filter(each => each.packed === packed)
      .reduce((total, { shape }) => total + shape.reduce((a, b) => a * b, 1), 0)
  return Math.min(sum(false), length / 4) + Math.min(sum(true), (bestRatio * length) / 4)
}

/** Where each weight of `model`, whose layers stand in `config` in the order of the file, has its numbers. */
export function findOlderWeights(model: Model, config: Serialized, file: Hdf5Group): Map<Variable, Numbers> {
  const groups = weightsIn(file)
  const stored = layerNames(groups)
    .map(name => ({ name, numbers: fromCudnn(joinedGates(datasetsOf(groupOf(groups, name)))) }))
    .filter(({ numbers }) => numbers.length > 0)
  const layers = membersOf(model, config).filter(({ layer }) => layer.weights.length > 0)
  const names = new Map(stored.map(each => [each.name, each.numbers]))
  const byName = layers.every(({ layer }) => names.has(layer.name))
  if (stored.length !== layers.length) {
    const list = (all: string[]) => `${all.length} layers (${all.join(', ')})`
    throw new ImportError(
      `${file.place} has weights for ${list(stored.map(({ name }) => name))}, the model has ${list(layers.map(({ layer }) => layer.name))}`,
      { path: file.place, expected: layers.length, actual: stored.length },
    )
  }
  const found = new Map<Variable, Numbers>()
  layers.forEach(({ layer, config: own }, i) => {
    const numbers = byName ? names.get(layer.name)! : stored[i]!.numbers
    const variables = inKerasOrder(layer, own)
    if (variables.length !== numbers.length) {
      throw new ImportError(
        `${file.place}: ${layer.name} has ${variables.length} weights, the file ${numbers.length}`,
        {
          path: file.place,
          layer: layer.name,
        },
      )
    }
    variables.forEach((variable, k) => {
      checkShape(layer, variable, numbers[k]!)
      found.set(variable, numbers[k]!)
    })
  })
  return found
}

interface Member {
  layer: Layer
  config: Serialized
}

const membersOf = (model: Model, config: Serialized): Member[] =>
  layersOf(config)
    .filter(each => config.class_name !== 'Sequential' || each.class_name !== 'InputLayer')
    .map(each => ({ layer: model.getLayer(nameOf(each)), config: each }))

/** What trains comes first, then what does not; a model inside lists its layers in the order of its config. */
function inKerasOrder(layer: Layer, config: Serialized): Variable[] {
  const listed = (each: Layer, own: Serialized): readonly Variable[] =>
    isModel(own)
      ? membersOf(each as unknown as Model, own).flatMap(m => listed(m.layer, m.config))
      : each.weights
  const all = [...new Set(listed(layer, config))]
  const trained = new Set(layer.trainableWeights)
  return [...all.filter(each => trained.has(each)), ...all.filter(each => !trained.has(each))]
}

/** The group of the layers: of a whole model, or the root of a file of weights. */
function weightsIn(file: Hdf5Group): Hdf5Group {
  if (!file.has('model_weights')) return file
  const group = file.get('model_weights')
  if (group instanceof Hdf5Group) return group
  throw new ImportError(`${file.place}: model_weights is no group`, { path: file.place })
}

function layerNames(groups: Hdf5Group): string[] {
  const names = listOf(groups, 'layer_names')
  if (names) return names
  throw new ImportError(`${groups.place} does not list its layers`, { path: groups.place })
}

/** A list of names, which Keras splits when an attribute would be too long. */
function listOf(group: Hdf5Group, name: string): string[] | undefined {
  const whole = group.strings(name)
  if (whole) return whole
  const all: string[] = []
  for (let i = 0; ; i++) {
    const part = group.strings(`${name}${i}`)
    if (!part) return i === 0 ? undefined : all
    all.push(...part)
  }
}

function groupOf(groups: Hdf5Group, name: string): Hdf5Group {
  const object = objectAt(groups, name)
  if (object instanceof Hdf5Group) return object
  throw new ImportError(`${groups.place} has no group ${name}`, {
    path: `${groups.place}/${name}`,
    layer: name,
  })
}

/** What stands at a path below a group. */
function objectAt(group: Hdf5Group, path: string): Hdf5Group | Hdf5Dataset | undefined {
  let object: Hdf5Group | Hdf5Dataset | undefined = group
  for (const part of path.split('/').filter(each => each !== ''))
    object = object instanceof Hdf5Group && object.has(part) ? object.get(part) : undefined
  return object
}

/** The weights of a layer in the order of the file; their names are paths below its group. */
function datasetsOf(group: Hdf5Group): Hdf5Dataset[] {
  return (listOf(group, 'weight_names') ?? []).map(name => {
    const object = objectAt(group, name)
    if (object instanceof Hdf5Dataset) return object
    throw new ImportError(`${group.place}: ${name} is no dataset`, { path: `${group.place}/${name}` })
  })
}

/** Gates in our order, by those that a cell has. */
const gateOrders = ['ifco', 'zrh']

/** Keras 1 keeps the weights of each gate apart (`lstm_1_W_i`): joined side by side, kernel, recurrent kernel and bias. */
function joinedGates(datasets: readonly Hdf5Dataset[]): Numbers[] {
  const cells = new Map<string, Map<string, Hdf5Dataset>>()
  const joined: Numbers[] = []
  for (const dataset of datasets) {
    const [, cell, gate] = /^(.*)_([WUb]_[ifcozrh])(?::0)?$/.exec(dataset.path) ?? []
    if (cell === undefined) joined.push(dataset)
    else cells.set(cell, (cells.get(cell) ?? new Map()).set(gate!, dataset))
  }
  for (const [cell, gates] of cells) {
    const order = gateOrders.find(
      each => gates.size === 3 * each.length && [...each].every(gate => gates.has(`b_${gate}`)),
    )
    if (!order) throw new ImportError(`${cell} lacks weights of gates`, { path: cell })
    for (const kind of 'WUb')
      joined.push(
        sideBySide(
          `${cell}_${kind}`,
          [...order].map(gate => gates.get(`${kind}_${gate}`)!),
        ),
      )
  }
  return joined
}

/** Arrays joined along their last axis. */
function sideBySide(path: string, parts: readonly Hdf5Dataset[]): Numbers {
  const first = parts[0]!.shape
  const width = first.at(-1) ?? 0
  if (parts.some(({ shape }) => shape.join() !== first.join()))
    throw new ImportError(`the gates of ${path} have different shapes`, { path })
  return {
    path,
    shape: [...first.slice(0, -1), width * parts.length],
    data() {
      const columns = parts.map(part => part.data())
      const rows = columns[0]!.length / (width || 1)
      const all = new Float32Array(columns[0]!.length * parts.length)
      for (let row = 0; row < rows; row++)
        columns.forEach((data, gate) => {
          all.set(data.subarray(row * width, (row + 1) * width), (row * parts.length + gate) * width)
        })
      return all
    },
  }
}
