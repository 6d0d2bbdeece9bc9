/**
 * `model.weights.h5`, and files of weights in the same layout, into a model. The groups are named by class and position, not by the layers' names (docs/keras-files.md).
 * Everything is found and checked before the first number is assigned.
 */
import { ImportError } from '../../errors.js'
import { Layer } from '../../layers/layer.js'
import { isPlain } from '../../layers/structure.js'
import type { Model } from '../../models/model.js'
import type { Variable } from '../../tensor/tensor.js'
import { Hdf5Dataset, Hdf5Group } from '../hdf5.js'
import { isModel, isSerialized, layersOf, type Serialized } from './config.js'
import { fromCudnn } from './cudnn.js'

/** The numbers of a weight in a file. */
export interface Numbers {
  readonly path: string
  readonly shape: readonly number[]
  data(): Float32Array
}

/** States of random generators, written by some versions of Keras: our random streams are counters of their own. */
const seeds = new Set(['seed_generator', '_seed_generators'])

/** Where each weight of `model`, whose layers stand in `config` in the order of the file, has its numbers. */
export function findWeights(model: Model, config: Serialized, file: Hdf5Group): Map<Variable, Numbers> {
  const found: Found = new Map()
  collectModel(model, config, file, found)
  return found
}

/** Assigns what was found to every weight of `model`, or nothing. */
export function assignWeights(model: Model, found: ReadonlyMap<Variable, Numbers>, place: string): void {
  for (const variable of model.weights) {
    if (!found.has(variable))
      throw new ImportError(`${place}: no place is known for ${variable.name}`, { path: place })
  }
  const values = [...found].map(([variable, dataset]) => [variable, dataset.data()] as const)
  for (const [variable, value] of values) variable.set(value)
}

function collectModel(model: Model, config: Serialized, group: Hdf5Group, found: Found): void {
  const layers = layersOf(config)
    .filter(each => config.class_name !== 'Sequential' || each.class_name !== 'InputLayer')
    .map(each => memberOf(model.getLayer(nameOf(each)), each))
  const container = subgroup(group, 'layers')
  if (!container) throw wrong(group, 'it has no group "layers"')
  collectAll(container, layers, found)
}

/** A layer, and what the file says of it: the class's own name there, by which groups are named. */
interface Member {
  layer: Layer
  className: string
  config?: Serialized
}

type Found = Map<Variable, Numbers>

/** Layers in a list: each in a group named by its class, counted. */
function collectAll(container: Hdf5Group, members: readonly Member[], found: Found): void {
  const counts = new Map<string, number>()
  const known = new Set<string>()
  for (const member of members) {
    const base = groupName(member.className)
    const count = counts.get(base) ?? 0
    counts.set(base, count + 1)
    const name = count === 0 ? base : `${base}_${count}`
    known.add(name)
    collect(member, subgroup(container, name), `${container.place}/${name}`, found)
  }
  rejectOthers(container, known)
}

/** A layer, or a model in the place of one. */
function collect(member: Member, group: Hdf5Group | undefined, path: string, found: Found): void {
  const { layer, config } = member
  if (group && config && isModel(config)) collectModel(layer as unknown as Model, config, group, found)
  else collectLayer(member, group, path, found)
}

/** One layer: its own weights in `vars`, the layers in its properties in groups of the properties' names. */
function collectLayer(
  { layer, config }: Member,
  group: Hdf5Group | undefined,
  path: string,
  found: Found,
): void {
  if (!group) {
    if (layer.weights.length === 0) return
    throw new ImportError(`${path} is missing, where the weights of ${layer.name} should be`, {
      path,
      layer: layer.name,
    })
  }
  const inner = new Set(layer.sublayers.flatMap(each => each.weights))
  const own = layer.weights.filter(variable => !inner.has(variable))
  const vars = subgroup(group, 'vars')
  if (vars && own.length === 0 && layer.weights.length === 3 && vars.names.length === 3) {
    collectCudnn(layer, vars, found)
    return
  }
  collectVariables(layer, own, group, found)
  const known = new Set(['vars', ...seeds])
  for (const [property, value] of Object.entries(layer)) {
    const name = groupName(property)
    const written = config?.config[name]
    if (value instanceof Layer) {
      known.add(name)
      collect(memberOf(value, written), subgroup(group, name), `${path}/${name}`, found)
      continue
    }
    const list = Array.isArray(value) ? value : isPlain(value) ? Object.values(value) : []
    const members = list
      .map(
        (each, i) => each instanceof Layer && memberOf(each, Array.isArray(written) ? written[i] : undefined),
      )
      .filter(each => each !== false)
    if (members.length === 0) continue
    known.add(name)
    const container = subgroup(group, name)
    if (container) collectAll(container, members, found)
    else if (members.some(each => each.layer.weights.length > 0))
      throw wrong(group, `it has no group "${name}"`)
  }
  rejectOthers(group, known)
}

/** A layer of cuDNN has the weights itself that its likes here have in their cell. */
function collectCudnn(layer: Layer, vars: Hdf5Group, found: Found): void {
  const numbers = fromCudnn(
    [0, 1, 2].map(i => datasetIn(layer, layer.weights[i]!, vars, `${vars.place}/${i}`)),
  )
  layer.weights.forEach((variable, i) => {
    checkShape(layer, variable, numbers[i]!)
    found.set(variable, numbers[i]!)
  })
}

function memberOf(layer: Layer, written: unknown): Member {
  const config = isSerialized(written) ? written : undefined
  return { layer, className: config?.class_name ?? layer.className, config }
}

function collectVariables(layer: Layer, own: readonly Variable[], group: Hdf5Group, found: Found): void {
  const vars = subgroup(group, 'vars')
  for (const [i, variable] of own.entries()) {
    const dataset = datasetIn(layer, variable, vars, `${group.place}/vars/${i}`)
    checkShape(layer, variable, dataset)
    found.set(variable, dataset)
  }
  if (vars) rejectOthers(vars, new Set(own.map((_, i) => `${i}`)))
}

/** The numbers of a weight in the group of a layer's own, at `path`. */
function datasetIn(layer: Layer, variable: Variable, vars: Hdf5Group | undefined, path: string): Hdf5Dataset {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const dataset = vars?.has(name) ? vars.get(name) : undefined
  if (dataset instanceof Hdf5Dataset) return dataset
  throw new ImportError(`${path} is missing, the ${variable.name} of ${layer.name}`, {
    path,
    layer: layer.name,
  })
}

/** Numbers must have the shape of the weight that they are for. */
export function checkShape(layer: Layer, variable: Variable, { path, shape }: Numbers): void {
  if (shape.length === variable.shape.length && shape.every((size, axis) => size === variable.shape[axis]))
    return
  throw new ImportError(
    `${path} has the shape [${shape}], but the ${variable.name} of ${layer.name} has [${variable.shape}]`,
    { path, layer: layer.name, expected: variable.shape, actual: shape },
  )
}

/** Numbers in the file that no layer takes mean that file and config do not belong together. */
function rejectOthers(group: Hdf5Group, known: ReadonlySet<string>): void {
  for (const name of group.names) {
    if (known.has(name)) continue
    const other = firstDataset(group.get(name))
    if (other)
      throw new ImportError(`${group.fileName} has ${other}, but the model has no layer for it`, {
        path: other,
      })
  }
}

function firstDataset(object: Hdf5Group | Hdf5Dataset): string | undefined {
  if (object instanceof Hdf5Dataset) return object.path
  for (const name of object.names) {
    const path = firstDataset(object.get(name))
    if (path) return path
  }
  return undefined
}

function subgroup(group: Hdf5Group, name: string): Hdf5Group | undefined {
  if (!group.has(name)) return undefined
  const object = group.get(name)
  if (object instanceof Hdf5Group) return object
  throw wrong(group, `"${name}" is a dataset, not a group`)
}

export function nameOf(layer: Serialized): string {
  const name = layer.config.name ?? layer.name
  if (typeof name === 'string') return name
  throw new ImportError(`a ${layer.class_name} in config.json has no name`, {
    path: 'config.json',
    layer: layer.class_name,
  })
}

/** Keras's `to_snake_case`: `SimpleRNNCell` -> `simple_rnn_cell`, `Conv1D` -> `conv1d`. A package prefix is no part of it. */
export function groupName(name: string): string {
  return name
    .slice(name.lastIndexOf('>') + 1)
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
}

function wrong(group: Hdf5Group, what: string): ImportError {
  return new ImportError(`${group.place}: ${what}`, { path: group.place })
}
