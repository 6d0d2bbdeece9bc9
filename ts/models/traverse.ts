/** The layers and nodes between a model's inputs and outputs, in Keras's order. */
import { ArgumentError } from '../errors.js'
import type { Layer } from '../layers/layer.js'
import { leaves, type Nested } from '../layers/structure.js'
import { KerasTensor, type Node } from './graph.js'

/** What a functional model computes. */
export interface Graph {
  inputs: Nested<KerasTensor>
  outputs: Nested<KerasTensor>
  /** In an order in which they can be computed. */
  nodes: Node[]
  /** By depth (inputs first), then as they were met: Keras's order of layers and weights. */
  layers: Layer[]
}

/** Finds the graph; an output that needs an input which is not among `inputs` is an ArgumentError. */
export function traverse(inputs: unknown, outputs: unknown): Graph {
  const given = checked('inputs', inputs)
  const wanted = checked('outputs', outputs)
  const order: Node[] = []
  const met = new Map<Layer, number>()
  const known = new Set(given)
  const visited = new Set<Node>()
  const starts = new Set(given.map(tensor => tensor.node))

  const visit = (tensor: KerasTensor): void => {
    const { node } = tensor
    if (visited.has(node)) return
    visited.add(node)
    if (!met.has(node.layer)) met.set(node.layer, met.size)
    const parents = starts.has(node) ? [] : node.parents
    if (parents.length === 0 && !known.has(tensor)) {
      throw new ArgumentError(`an output needs "${node.layer.name}", which is not among the model's inputs`, {
        layer: node.layer.name,
        argument: 'inputs',
      })
    }
    parents.forEach(visit)
    order.push(node)
  }
  wanted.forEach(visit)
  for (const tensor of given) if (!visited.has(tensor.node)) visit(tensor)

  return {
    inputs: inputs as Nested<KerasTensor>,
    outputs: outputs as Nested<KerasTensor>,
    nodes: order,
    layers: byDepth(order, met, starts),
  }
}

/** A layer's depth is its longest way to an output. */
function byDepth(order: readonly Node[], met: Map<Layer, number>, starts: Set<Node>): Layer[] {
  const nodeDepth = new Map<Node, number>()
  const depth = new Map<Layer, number>()
  for (const node of [...order].reverse()) {
    const own = Math.max(nodeDepth.get(node) ?? 0, depth.get(node.layer) ?? 0)
    depth.set(node.layer, own)
    nodeDepth.set(node, own)
    if (starts.has(node)) continue
    for (const { node: parent } of node.parents) {
      nodeDepth.set(parent, Math.max(own + 1, nodeDepth.get(parent) ?? 0))
    }
  }
  const layers = [...met.keys()]
  return layers.sort((a, b) => depth.get(b)! - depth.get(a)! || met.get(a)! - met.get(b)!)
}

function checked(argument: string, value: unknown): KerasTensor[] {
  const tensors = leaves(value as Nested<unknown>)
  if (tensors.length > 0 && tensors.every(tensor => tensor instanceof KerasTensor)) return tensors
  const wrong = tensors.find(tensor => !(tensor instanceof KerasTensor))
  throw new ArgumentError(`the ${argument} of a model are symbolic tensors, made by Input and by layers`, {
    argument,
    actual: wrong,
  })
}
