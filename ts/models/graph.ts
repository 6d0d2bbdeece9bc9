/** Symbolic tensors of functional models, and the nodes that made them: one node for each application of a layer. */
import { undoing } from '../layers/attempt.js'
import type { Layer } from '../layers/layer.js'
import { mapNested, mapValues, type Nested } from '../layers/structure.js'
import type { DType, Shape } from '../tensor/shape.js'
import { SymbolicTensor, Tensor } from '../tensor/tensor.js'

/** Shape and dtype of a value. */
export interface Spec {
  shape: Shape
  dtype: DType
}

/** What `Input` makes and layers and ops pass on: no data, but where it comes from. */
export class KerasTensor extends SymbolicTensor {
  /** The application that made it. */
  readonly node: Node
  /** Which of the node's outputs it is. */
  readonly index: number

  constructor(spec: Spec, node: Node, index: number) {
    super(spec.shape, spec.dtype)
    this.node = node
    this.index = index
  }

  /** The name of the layer that made it. */
  get name(): string {
    return this.node.layer.name
  }
}

const nodesOf = new WeakMap<Layer, Node[]>()

/** One application of a layer: the tensors that went in (anywhere in `inputs` and `options`), and those it made. */
export class Node {
  readonly layer: Layer
  readonly inputs: unknown
  readonly options: object
  /** In the structure that the layer returned. */
  readonly outputs: Nested<KerasTensor>

  constructor(layer: Layer, inputs: unknown, options: object, specs: Nested<Spec>) {
    this.layer = layer
    this.inputs = inputs
    this.options = options
    let index = 0
    this.outputs = mapSpecs(specs, spec => new KerasTensor(spec, this, index++))
    const nodes = nodesOf.get(layer) ?? []
    nodes.push(this)
    undoing(() => void nodes.pop())
    nodesOf.set(layer, nodes)
  }

  /** The symbolic tensors that the application needs, in order. */
  get parents(): KerasTensor[] {
    const found: KerasTensor[] = []
    mapNested([this.inputs, this.options], leaf => leaf instanceof KerasTensor && found.push(leaf))
    return found
  }

  /** The tensors that it made, in order. */
  get flatOutputs(): KerasTensor[] {
    const found: KerasTensor[] = []
    mapNested(this.outputs, leaf => found.push(leaf as KerasTensor))
    return found
  }
}

/** Frees the data that became constants of a layer's applications. */
export function releaseConstants(layer: Layer): void {
  for (const { inputs, options } of applications(layer)) {
    mapNested([inputs, options], leaf => leaf instanceof Tensor && constants.has(leaf) && leaf.dispose())
  }
}

/** The data of an application, to be freed with its layer. */
export const constants = new WeakSet<Tensor>()

/** Every application of a layer so far. */
export function applications(layer: Layer): readonly Node[] {
  return nodesOf.get(layer) ?? []
}

function mapSpecs(specs: Nested<Spec>, make: (spec: Spec) => KerasTensor): Nested<KerasTensor> {
  if (Array.isArray(specs)) return specs.map(spec => mapSpecs(spec, make))
  if ('shape' in specs && 'dtype' in specs) return make(specs as Spec)
  return mapValues(specs as Record<string, Nested<Spec>>, spec => mapSpecs(spec, make))
}
