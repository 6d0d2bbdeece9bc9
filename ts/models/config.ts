/** Models as configs: Keras 3's form of graphs is written; Keras 3's and Keras 2's are read. */
import { ArgumentError } from '../errors.js'
import { attempt, undoing } from '../layers/attempt.js'
import { InputLayer } from '../layers/input.js'
import type { Layer } from '../layers/layer.js'
import type { CallOptions } from '../layers/layer_options.js'
import { snakeCase } from '../layers/names.js'
import { configOptions } from '../layers/options.js'
import { make, serializeInner } from '../layers/registry.js'
import { isPlain, leaves, mapNested, mapValues, type Nested } from '../layers/structure.js'
import { NdArray } from '../tensor/ndarray.js'
import { Tensor } from '../tensor/tensor.js'
import { applications, KerasTensor, type Node } from './graph.js'
import type { Model, ModelOptions } from './model.js'
import type { Sequential, SequentialOptions } from './sequential.js'
import type { Graph } from './traverse.js'

type Config = Readonly<Record<string, unknown>>

/** Name of a layer, which of its applications, which of that one's outputs. */
type Reference = [layer: string, node: number, tensor: number]

/** `{ layers, input_layers, output_layers }`. */
export function writeGraph(graph: Graph): Record<string, unknown> {
  const reference = ({ node, index }: KerasTensor): Reference => {
    const { layer } = node
    return [layer.name, nodesIn(graph, layer).indexOf(node), index]
  }
  const value = (leaf: unknown): unknown => {
    if (leaf instanceof KerasTensor) {
      const { shape, dtype } = leaf
      return { class_name: '__keras_tensor__', config: { shape, dtype, keras_history: reference(leaf) } }
    }
    if (leaf instanceof Tensor || leaf instanceof NdArray) {
      return { class_name: '__numpy__', config: { value: leaf.array(), dtype: leaf.dtype } }
    }
    return leaf
  }
  const write = (structure: unknown) => mapNested(structure, value)
  const writeNode = (node: Node): unknown => ({
    // an op of a file has operands, where layers have one argument
    args: 'takesList' in node.layer && !node.layer.takesList ? write(node.inputs) : [write(node.inputs)],
    kwargs: Object.fromEntries(
      Object.entries(node.options)
        .filter(([, option]) => option !== undefined)
        .map(([name, option]) => [snakeCase(name), write(option)]),
    ),
  })
  return {
    layers: graph.layers.map(layer => ({
      ...serializeInner(layer),
      name: layer.name,
      inbound_nodes: nodesIn(graph, layer)
        .filter(node => node.parents.length > 0)
        .map(writeNode),
    })),
    input_layers: mapNested(graph.inputs, leaf => reference(leaf as KerasTensor)),
    output_layers: mapNested(graph.outputs, leaf => reference(leaf as KerasTensor)),
  }
}

/** The applications of `layer` that belong to the graph. */
function nodesIn(graph: Graph, layer: Layer): Node[] {
  const inside = new Set(graph.nodes)
  return applications(layer).filter(node => inside.has(node))
}

/** A model from the config of a graph. */
export function readModel(Class: new (options: ModelOptions) => Model, config: Config): Model {
  const { layers: _, inputLayers: __, outputLayers: ___, ...options } = configOptions(config, 'Model')
  return whole(made => new Class({ ...options, ...readGraph(config, made) } as ModelOptions))
}

/** A model from the config of layers in a row. */
export function readSequential<M extends Sequential>(
  Class: new (layers: readonly Layer[], options: SequentialOptions) => M,
  config: Config,
): M {
  const { layers, buildInputShape: shape, ...options } = configOptions(config, 'Sequential')
  if (!Array.isArray(layers))
    throw new ArgumentError('the config of a Sequential lists its layers', { argument: 'layers' })
  return whole(made => {
    for (const layer of layers) made.push(make(layer))
    const model = new Class(made, options as SequentialOptions)
    if (!model.built && Array.isArray(shape)) model.build(shape)
    return model
  })
}

/** A model with the layers that `read` lists, all of them its own; when that fails, they are disposed. */
function whole<M extends Model>(read: (made: Layer[]) => M): M {
  const made: Layer[] = []
  return attempt(() => {
    undoing(() => {
      for (const layer of made) layer.dispose()
    })
    const model = read(made)
    model.adopt(made)
    return model
  })
}

/**
 * Inputs and outputs of the graph in a config, and in `layers` those that were made for it, also when it fails.
 * A list of one is that one.
 */
function readGraph(
  config: Readonly<Record<string, unknown>>,
  layers: Layer[],
): { inputs: Nested<KerasTensor>; outputs: Nested<KerasTensor> } {
  const made = new Map<string, { layer: Layer; outputs: KerasTensor[][]; first: number }>()
  let waiting: { name: string; node: unknown }[] = []
  for (const entry of listed(config.layers)) {
    const item = isPlain(entry) ? entry : {}
    const layer = make(item)
    layers.push(layer)
    // Keras 2 counts the making of a model as its application 0, and nothing refers to that.
    const first = isPlain(item.config) && Array.isArray(item.config.layers) ? 1 : 0
    made.set(layer.name, { layer, outputs: layer instanceof InputLayer ? [[layer.output]] : [], first })
    const nodes = item.inbound_nodes === undefined ? [] : listed(item.inbound_nodes)
    waiting.push(...nodes.map(node => ({ name: layer.name, node })))
  }
  findReferences([waiting, config.output_layers], ([name, node]) => {
    if (node === 0 && made.has(name)) made.get(name)!.first = 0
  })

  const find = ([name, node, tensor]: Reference): KerasTensor | undefined => {
    const { outputs, first } = made.get(name) ?? { outputs: [], first: 0 }
    return outputs[node - first]?.[tensor]
  }
  // A node waits until what it needs is there; a layer's nodes are made in their order.
  while (waiting.length > 0) {
    const blocked = new Set<string>()
    const next = waiting.filter(({ name, node }) => {
      const call = blocked.has(name) ? undefined : readNode(node, find)
      if (!call) return blocked.add(name)
      const { layer, outputs } = made.get(name)!
      if (!leaves(call.args as Nested<unknown>).some(leaf => leaf instanceof KerasTensor)) {
        throw new ArgumentError(`the config connects "${name}" to no tensor`, {
          layer: name,
          argument: 'inbound_nodes',
        })
      }
      const inputs = call.args.length > 1 ? call.args : call.args[0]
      layer.apply(inputs as never, call.options)
      outputs.push(applications(layer).at(-1)!.flatOutputs)
      return false
    })
    if (next.length === waiting.length) {
      throw new ArgumentError(`the config connects "${next[0]!.name}" to a tensor that nothing makes`, {
        layer: next[0]!.name,
        argument: 'inbound_nodes',
      })
    }
    waiting = next
  }

  const ends = (argument: string): Nested<KerasTensor> => {
    const tensors = mapReferences(config[argument], reference => {
      const tensor = find(reference)
      if (tensor) return tensor
      throw new ArgumentError(`the config's ${argument} name "${reference[0]}", which makes no such tensor`, {
        argument,
      })
    })
    return Array.isArray(tensors) && tensors.length === 1 ? tensors[0] : tensors
  }
  return { inputs: ends('input_layers'), outputs: ends('output_layers') }
}

/** Every reference in a config. */
function findReferences(value: unknown, found: (reference: Reference) => void): void {
  if (isReference(value)) found(value)
  if (Array.isArray(value) || isPlain(value))
    for (const item of Object.values(value)) findReferences(item, found)
}

/** Arguments and options of a call, or undefined while a tensor is missing. */
function readNode(
  node: unknown,
  find: (reference: Reference) => KerasTensor | undefined,
): { args: unknown[]; options: CallOptions } | undefined {
  const { args, kwargs } = isPlain(node) && Array.isArray(node.args) ? node : olderNode(node)
  let complete = true
  const tensor = (reference: Reference): KerasTensor | undefined => {
    const found = find(reference)
    if (!found) complete = false
    return found
  }
  const read = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(read)
    if (!isPlain(value)) return value
    const config = isPlain(value.config) ? value.config : {}
    if (value.class_name === '__keras_tensor__') return tensor(config.keras_history as Reference)
    if (value.class_name === '__numpy__') return config.value
    return mapValues(value, read)
  }
  const list = (args as unknown[]).map(read)
  const options = Object.entries(configOptions((kwargs ?? {}) as Record<string, unknown>)).map(
    ([name, value]) => [name, read(value)],
  )
  if (!complete) return undefined
  return { args: list, options: Object.fromEntries(options.filter(([, value]) => value !== null)) }
}

/** Keras 2: `[[layer, node, tensor, kwargs], ...]`, or one such entry, or an object of them. */
function olderNode(node: unknown): { args: unknown[]; kwargs: Record<string, unknown> } {
  const kwargs: Record<string, unknown> = {}
  const tensor = (reference: readonly unknown[]) => ({
    class_name: '__keras_tensor__',
    config: { keras_history: reference.slice(0, 3) },
  })
  const inputs = mapReferences(node, reference => {
    const extra = (reference as unknown[])[3]
    for (const [name, value] of Object.entries(isPlain(extra) ? extra : {})) {
      kwargs[name] = isReference(value) ? tensor(value) : value
    }
    return tensor(reference)
  })
  return { args: [Array.isArray(inputs) && inputs.length === 1 ? inputs[0] : inputs], kwargs }
}

function mapReferences<T>(value: unknown, map: (reference: Reference) => T): Nested<T> {
  if (isReference(value)) return map(value)
  if (Array.isArray(value)) return value.map(item => mapReferences(item, map))
  if (isPlain(value)) return mapValues(value, item => mapReferences(item, map))
  throw new ArgumentError('the config connects layers in a form that is not known', {
    argument: 'inbound_nodes',
    expected: 'references to tensors',
    actual: value,
  })
}

function isReference(value: unknown): value is Reference {
  return (
    Array.isArray(value) &&
    typeof value[0] === 'string' &&
    Number.isInteger(value[1]) &&
    Number.isInteger(value[2])
  )
}

function listed(value: unknown): unknown[] {
  if (Array.isArray(value)) return value
  throw new ArgumentError('the config of a model lists its layers and their nodes', {
    argument: 'layers',
    actual: value,
  })
}
