/** A model: a graph of layers between inputs and outputs, itself a layer. */
import { StateError, UnsupportedError } from '../errors.js'
import { part } from '../installed.js'
import { applyTraced, type Call, inferenceOnly } from '../layers/apply.js'
import { Layer } from '../layers/layer.js'
import { baseFields, type CallOptions, type LayerOptions } from '../layers/layer_options.js'
import { unknownName } from '../layers/names.js'
import { assignNames, classNameOf } from '../layers/naming.js'
import { checkOptions, reject } from '../layers/options.js'
import { type Reset, resetAll } from '../layers/reset.js'
import { isPlain, leaves, mapNested, type Nested, pack } from '../layers/structure.js'
import type { Inputs, Masks, Replaced } from '../layers/types.js'
import { toLeaf, toMask } from '../layers/values.js'
import type { TracedTensor } from '../ops/trace.js'
import { ownValue } from '../plain.js'
import type { NdArray } from '../tensor/ndarray.js'
import type { DType, Shape } from '../tensor/shape.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import type { KerasTensor, Node } from './graph.js'
import { arrange } from './io.js'
import { type PredictOptions, predict } from './predict.js'
import type { ProgramOptions } from './print.js'
import { Stream, type StreamOptions } from './stream.js'
import { type Graph, traverse } from './traverse.js'

/** One symbolic tensor, an array of them, or an object of them by name. */
export type Symbols = SymbolicTensor | readonly SymbolicTensor[] | { readonly [name: string]: SymbolicTensor }

export interface ModelOptions<S extends Symbols = Symbols> {
  /** In the form in which data will be given. */
  inputs: Symbols
  /** In the form in which results will come. */
  outputs: S
  name?: string
  trainable?: boolean
}

export class Model<const S extends Symbols = Symbols> extends Layer {
  static override readonly className: string = 'Functional'
  static readonly module: string = 'keras.src.models.functional'

  declare readonly $returns: { outputs: S }
  override supportsMasking = true
  #graph: Graph | undefined
  /** Models inside this one that were made for it, from its config. */
  #made = new Set<Layer>()

  constructor(options: ModelOptions<S>) {
    const className = classNameOf(new.target)
    const known = ['inputs', 'outputs', ...Object.keys({ ...baseFields, ...new.target.fields })]
    checkOptions(
      className === 'Functional' ? 'Model' : className,
      options,
      known,
      undefined,
      'inputs, outputs',
    )
    const { inputs, outputs, ...rest } = options
    super(rest as LayerOptions)
    if (inputs !== undefined || outputs !== undefined) this.setGraph(traverse(inputs, outputs))
  }

  /** What the model computes. @internal */
  get graph(): Graph {
    if (this.#graph) return this.#graph
    throw new StateError(`${this.name} is not built: its input shape is not known yet`, { layer: this.name })
  }

  /** These layers were made for it: they go when it goes, those that no output needs at once. @internal */
  adopt(layers: readonly Layer[]): void {
    this.#made = new Set(layers)
    const needed = new Set(this.sublayers)
    for (const layer of layers) if (!needed.has(layer)) layer.dispose()
  }

  /** Takes the layers of `graph` over from the graph before. @internal */
  protected setGraph(graph: Graph | undefined): void {
    this.programs.dispose()
    for (const layer of this.sublayers) holdersOf(layer).delete(this)
    this.#graph = graph
    this.built = graph !== undefined
    if (!graph) return
    assignNames(graph.layers)
    for (const layer of graph.layers) holdersOf(layer).add(this)
  }

  /** The symbolic inputs in the form in which they were given. */
  get inputs(): Nested<KerasTensor> {
    return this.graph.inputs
  }

  /** The symbolic outputs in the form in which they were given. */
  get outputs(): Nested<KerasTensor> {
    return this.graph.outputs
  }

  override get input(): Nested<KerasTensor> {
    return this.inputs
  }

  override get output(): Nested<KerasTensor> {
    return this.outputs
  }

  /** The applications of layers that it computes, in order. @internal */
  get nodes(): readonly Node[] {
    return this.#graph?.nodes ?? []
  }

  /** The layers, inputs first. */
  get layers(): readonly Layer[] {
    return this.graph.layers
  }

  override get sublayers(): Layer[] {
    return this.#graph ? [...this.layers] : []
  }

  /** A layer by its name or its place in `layers` (negative: from the end). */
  getLayer(which: string | number): Layer {
    const { layers } = this
    const found = typeof which === 'number' ? layers.at(which) : layers.find(layer => layer.name === which)
    if (found) return found
    const names = layers.map(layer => layer.name)
    throw unknownName(this.name, 'layer', ' has no layer', which, names)
  }

  override get inputDtype(): DType {
    return leaves(this.inputs)[0]!.dtype
  }

  override get batchInputShape(): Shape | null {
    return this.#graph ? leaves(this.inputs)[0]!.shape : null
  }

  /** Data in the form of the inputs; a mask too, with null where there is none. @internal */
  override prepare(inputs: unknown, options: CallOptions): Call {
    if (!this.#graph) return super.prepare(inputs, options)
    const form = this.inputs
    const tensors = leaves(form)
    const given = arrange(this.name, 'inputs', form, inputs).map((value, i) =>
      toLeaf(this.name, tensors.length > 1 ? tensors[i]!.name : 'inputs', value, tensors[i]!.dtype),
    )
    const { mask, ...rest } = options
    if (mask === undefined || mask === null) return { inputs: pack(form, given), options: rest }
    if (mask === false) return { inputs: pack(form, given), options }
    const masks = arrange(this.name, 'mask', form, mask).map((own, i) =>
      own ? toMask(this.name, own, given[i]!) : null,
    )
    return { inputs: pack(form, given), options: { ...rest, mask: pack(form, masks) as Masks } }
  }

  override call(
    inputs: Nested<TracedTensor>,
    { mask }: { mask?: Nested<TracedTensor | null> } = {},
  ): Nested<TracedTensor> {
    const { graph } = this
    const given = arrange(this.name, 'inputs', graph.inputs, inputs) as TracedTensor[]
    const masks = mask ? arrange(this.name, 'mask', graph.inputs, mask) : []
    const values = new Map<KerasTensor, TracedTensor>()
    leaves<KerasTensor>(graph.inputs).forEach((tensor, i) => {
      const own = masks[i] as TracedTensor | null | undefined
      values.set(tensor, own ? given[i]!.withMask(own) : given[i]!)
    })
    for (const node of graph.nodes) {
      if (node.flatOutputs.every(tensor => values.has(tensor))) continue
      const insert = (leaf: unknown) => values.get(leaf as KerasTensor) ?? leaf
      const outputs = applyTraced(node.layer, {
        inputs: mapNested(node.inputs, insert),
        options: mapNested(node.options, insert) as CallOptions,
      })
      const made = leaves<TracedTensor>(outputs)
      node.flatOutputs.forEach((tensor, i) => {
        values.set(tensor, made[i]!)
      })
    }
    return mapNested(graph.outputs, tensor => values.get(tensor as KerasTensor)!)
  }

  /**
   * Runs the model over data: one array for one input, otherwise in the form of `inputs`. The results
   * have the form of `outputs`; samples run in batches of `batchSize` (default 32).
   */
  predict(inputs: Inputs, options: PredictOptions = {}): Replaced<S, NdArray> {
    return predict(this, inputs, options) as Replaced<S, NdArray>
  }

  /** The model, one step at a time: see Stream. */
  stream(options: StreamOptions = {}): Stream<S> {
    return new Stream(this, options)
  }

  /** Whether a layer inside carries states from call to call. */
  get stateful(): boolean {
    return this.carries
  }

  /**
   * Sets the states of all stateful layers.
   *
   * @param states By the layers' names. Default, and for layers that are not named: what their cells start from.
   */
  resetStates(states?: Readonly<Record<string, unknown>>): void {
    resetAll(this.resets(states))
  }

  /** The same as `resetStates`. */
  resetState(states?: Readonly<Record<string, unknown>>): void {
    this.resetStates(states)
  }

  override resets(states: unknown = {}): Reset[] {
    this.checkAlive()
    const { sublayers, name: layer } = this
    if (!isPlain(states)) return reject({ layer, argument: 'states' }, 'an object of states by layer', states)
    const known = sublayers.map(({ name }) => name)
    const actual = Object.keys(states).find(name => !known.includes(name))
    if (actual !== undefined) throw unknownName(layer, 'states', ' has no layer', actual, known)
    return sublayers
      .filter(({ carries, name }) => carries || Object.hasOwn(states, name))
      .flatMap(inner => inner.resets(ownValue(states, inner.name)))
  }

  /** A table of the layers, as text. */
  summary(): string {
    return part('summarize')(this as unknown as Model)
  }

  /** What the model becomes, as text: the ops that run, in order, with what they work on. */
  program(options: ProgramOptions = {}): string {
    return part('printModel')(this as unknown as Model, options)
  }

  override getConfig(): Record<string, unknown> {
    return { name: this.name, trainable: this.trainable, ...part('writeGraph')(this.graph) }
  }

  static override fromConfig(config: Readonly<Record<string, unknown>>): Layer {
    // biome-ignore lint/complexity/noThisInStatic: subclasses inherit this
    return part('readModel')(this, config)
  }

  compile(..._: unknown[]): never {
    throw inferenceOnly(this.name, 'compile')
  }

  fit(..._: unknown[]): never {
    throw inferenceOnly(this.name, 'fit')
  }

  evaluate(..._: unknown[]): never {
    throw inferenceOnly(this.name, 'evaluate')
  }

  trainOnBatch(..._: unknown[]): never {
    throw inferenceOnly(this.name, 'trainOnBatch')
  }

  save(..._: unknown[]): never {
    throw inferenceOnly(this.name, 'save')
  }

  saveWeights(..._: unknown[]): never {
    throw inferenceOnly(this.name, 'saveWeights')
  }

  loadWeights(..._: unknown[]): never {
    const text = `${this.name}: use loadWeights(model, file) of layer-rnn/keras`
    throw new UnsupportedError(text, { layer: this.name, argument: 'loadWeights' })
  }

  override get streams(): boolean {
    return this.sublayers.some(layer => layer.streams)
  }

  override get keepsMasks(): boolean {
    return true
  }

  /** Only those that no other live model holds; models inside only when they were made for this one. */
  protected override ownedLayers(): Layer[] {
    return this.sublayers.filter(layer => {
      const holders = holdersOf(layer)
      holders.delete(this)
      return holders.size === 0 && (!(layer instanceof Model) || this.#made.has(layer))
    })
  }
}

const holders = new WeakMap<Layer, Set<Layer>>()

/** The live models that hold a layer. */
function holdersOf(layer: Layer): Set<Layer> {
  const found = holders.get(layer) ?? new Set()
  holders.set(layer, found)
  return found
}
