/** The base of every layer, cell and model: options, weights, building, configs. */
import { currentEngine, type Engine } from '../engine/engine.js'
import { type Disposes, Owner } from '../engine/handle.js'
import { ArgumentError, DisposedError, StateError } from '../errors.js'
import { applications, type Node, releaseConstants, type Spec } from '../models/graph.js'
import { type InputType, openType, Programs } from '../models/program.js'
import { SeedGenerator } from '../ops/seed_generator.js'
import type { NdArray } from '../tensor/ndarray.js'
import { type DType, type Shape, sizeOf } from '../tensor/shape.js'
import type { SymbolicTensor, Variable } from '../tensor/tensor.js'
import { apply, type Call, inferShape } from './apply.js'
import { attempt, undoing } from './attempt.js'
import { givenShape, type SizeOptions } from './given_shape.js'
import { checkShape } from './input_spec.js'
import {
  baseFields,
  type CallOptions,
  type InputSpec,
  type LayerOptions,
  unkept,
  type WeightOptions,
} from './layer_options.js'
import { snakeCase } from './names.js'
import { classNameOf } from './naming.js'
import { configOptions, type Fields, readOptions, writeConfig } from './options.js'
import { found } from './owned.js'
import { notStateful, type Reset } from './reset.js'
import type { Stored } from './stored.js'
import type { Nested } from './structure.js'
import type { Applicable, Masks, Output } from './types.js'
import { assignAll, toLeaves, toMask, type Values } from './values.js'
import { checkWeight, newWeight } from './weight_room.js'

export abstract class Layer extends Owner {
  /** The name in configs, safe from minifiers. */
  static readonly className?: string
  /** The options of this class beside those of every layer. */
  static readonly fields: Fields = {}
  /** The options that tell a size of the input, beside its shape. */
  static readonly sizeOptions: SizeOptions = { rank: 0, axes: { batchSize: 0 } }
  /** The options that `apply` takes. */
  static readonly callOptions: readonly string[] = ['mask', 'training']

  /** For types only: what `apply` gives. */
  // biome-ignore lint/suspicious/noExplicitAny: a layer may give anything; subclasses say what
  declare readonly $returns: any
  built = false
  supportsMasking = false
  inputSpec: InputSpec | null = null
  declare readonly dtype: DType
  declare readonly activityRegularizer: Stored | null
  /** The shape that its own options give. @internal */
  readonly givenShape: Shape | null

  #name: string | null
  #named: boolean
  #trainable: boolean
  #variables: Variable[] = []
  #owned: Disposes[] = []
  #tracked: Layer[] = []
  #building = false
  #disposed = false
  #firstWeights: readonly Values[] | null
  #programs: Programs | undefined

  constructor(options: LayerOptions = {}) {
    super()
    const own = new.target
    const className = classNameOf(own)
    const { name, trainable, weights, ...values } = readOptions(
      className,
      // Own ones first, in messages too; they win over those of the base.
      { ...own.fields, ...baseFields, ...own.fields },
      options,
    )
    this.#name = name as string | null
    this.#named = name !== null
    this.#trainable = trainable as boolean
    this.#firstWeights = weights as readonly Values[] | null
    this.givenShape = givenShape(this.#name ?? snakeCase(className), values, own.sizeOptions)
    for (const unused of unkept) delete values[unused]
    Object.assign(this, values)
    // However build is called, weights can be added during it and are added once.
    const build = this.build
    Object.defineProperty(this, 'build', { value: (shape: Shape) => this.#build(build, shape) })
  }

  get name(): string {
    return this.#name ?? snakeCase(this.className)
  }

  /** The class's name in configs. */
  get className(): string {
    return classNameOf(this.constructor as typeof Layer)
  }

  /** The shape that options give, batch first; null when none does. */
  get batchInputShape(): Shape | null {
    return this.givenShape
  }

  /** Whether training changes the weights; setting it reaches the layers inside. */
  get trainable(): boolean {
    return this.#trainable
  }
  set trainable(value: boolean) {
    this.#trainable = value
    for (const layer of this.sublayers) layer.trainable = value
  }

  get disposed(): boolean {
    return this.#disposed
  }

  /** The layers that this one owns: found in its properties, arrays, plain objects and Maps, in order. */
  get sublayers(): Layer[] {
    return [...new Set(found([Object.values(this), this.#tracked], isLayer))]
  }

  /** The generators that it draws from: found in its properties as layers are, or made by itself. */
  get #generators(): SeedGenerator[] {
    return [...new Set(found([Object.values(this), this.#owned], isGenerator))]
  }

  /** The symbolic input of its first application. */
  get input(): Nested<SymbolicTensor> {
    return this.#applied.inputs as Nested<SymbolicTensor>
  }

  /** The symbolic output of its first application. */
  get output(): Nested<SymbolicTensor> {
    return this.#applied.outputs
  }

  get #applied(): Node {
    const [first] = applications(this)
    if (first) return first
    throw new StateError(`${this.name} has not been applied to a symbolic tensor`, { layer: this.name })
  }

  /** Every weight: own ones in the order they were added, then those of the layers inside. */
  get weights(): Variable[] {
    return [...new Set([...this.#variables, ...this.sublayers.flatMap(layer => layer.weights)])]
  }

  /** All that is to be saved of it: the weights and, as in Keras, the states of random generators. */
  get variables(): Variable[] {
    const states = this.#generators.map(({ state }) => state)
    return [...new Set([...this.#variables, ...states, ...this.sublayers.flatMap(layer => layer.variables)])]
  }

  get trainableWeights(): Variable[] {
    if (!this.#trainable) return []
    const own = this.#variables.filter(variable => variable.trainable)
    return [...new Set([...own, ...this.sublayers.flatMap(layer => layer.trainableWeights)])]
  }

  get nonTrainableWeights(): Variable[] {
    const trained = new Set(this.trainableWeights)
    return this.weights.filter(variable => !trained.has(variable))
  }

  /** Adds the weights, once; the shape holds null where a size is unknown. Of several inputs it is a list or an object of shapes. */
  // biome-ignore lint/suspicious/noExplicitAny: subclasses state which
  build(_inputShape: any): void {
    this.built = true
  }

  /** The dtype that data in plain arrays are converted to. */
  get inputDtype(): DType {
    return 'float32'
  }

  /** Brings inputs and options into one form: data become NdArrays. @internal */
  prepare(inputs: unknown, options: CallOptions): Call {
    const { mask, ...rest } = options
    const given = toLeaves(this.name, inputs, this.inputDtype)
    const none = mask === undefined || mask === null
    const own = none ? rest : { ...rest, mask: mask && (toMask(this.name, mask, given) as Masks) }
    return { inputs: given, options: own }
  }

  /** Whether the layer keeps its own state from step to step in a stream. */
  get streams(): boolean {
    return false
  }

  /** Whether it does with time what is right in a stream; the ops of other layers are checked. @internal */
  readonly mixesTime: boolean = false

  /** Whether it carries states from call to call, so that its batch is fixed. @internal */
  get carries(): boolean {
    return this.sublayers.some(layer => layer.carries)
  }

  /** Whether the number of time steps must be known while it is traced. @internal */
  get unrolls(): boolean {
    return this.sublayers.some(layer => layer.unrolls)
  }

  /** The axis of the batch in its inputs; of axes 0 and 1, the other one is time. @internal */
  get batchAxis(): number {
    return 0
  }

  /** What sets the states that it carries: to `states`, or to what they were first. @internal */
  resets(states?: unknown): Reset[] {
    if (states !== undefined && !this.carries) throw notStateful(this.name)
    return this.sublayers.filter(layer => layer.carries).flatMap(layer => layer.resets(states))
  }

  /** The type of data in the part `role` of a call with `rows`: of whatever sizes may be others in the next call. @internal */
  openType(data: Spec, role: string, rows?: number | null): InputType {
    return openType(data, role, this, rows)
  }

  /** The engine of the weights. @internal */
  get engine(): Engine {
    return this.weights[0]?.engine ?? currentEngine()
  }

  /** The programs made for data so far. @internal */
  get programs(): Programs {
    this.#programs ??= new Programs()
    return this.#programs
  }

  /** Whether `call` gives its outputs their masks itself. @internal */
  get keepsMasks(): boolean {
    return false
  }

  /** The computation, written with `ops`. */
  // biome-ignore lint/suspicious/noExplicitAny: subclasses state what they take
  abstract call(inputs: any, ...rest: any[]): unknown

  /**
   * Applies the layer, like to like: a symbolic tensor gives a symbolic one, data give data.
   * `options` are those of the layer's call: `mask`, `training`, for recurrent layers `initialState`.
   */
  apply<X extends Applicable>(inputs: X, options: CallOptions = {}): Output<this['$returns'], X> {
    return apply(this, inputs, options) as Output<this['$returns'], X>
  }

  /** The mask of the output: by default the input's, when the layer supports masking. */
  computeMask(
    _inputs: SymbolicTensor,
    mask?: SymbolicTensor | null,
  ): Nested<SymbolicTensor | null | undefined> {
    return this.supportsMasking ? mask : null
  }

  /** The output's shape for an input's shape (found by tracing the layer). */
  computeOutputShape(inputShape: Shape): Nested<unknown> {
    return inferShape(this, inputShape)
  }

  /** Adds a weight; only while the layer is being built. */
  addWeight(options: WeightOptions): Variable {
    checkWeight(this.name, options)
    const name = options.name ?? `weight_${this.#variables.length}`
    const text = `${this.name}: addWeight("${name}") outside build`
    if (!this.#building) throw new StateError(text, { layer: this.name, argument: name })
    const variable = newWeight(this.name, name, options)
    this.#variables.push(variable)
    undoing(() => this.#variables.pop()?.dispose())
    return variable
  }

  /** Makes a layer this one's own that stands in none of its properties; gives it back. */
  track<L extends Layer>(layer: L): L {
    this.#tracked.push(layer)
    return layer
  }

  /** Whether it was given weights that it does not have yet. @internal */
  get awaitsWeights(): boolean {
    return this.#firstWeights !== null
  }

  #build(build: (shape: Shape) => void, inputShape: Shape): void {
    this.checkAlive()
    if (this.built) return
    checkShape(this, inputShape)
    const [first, inputSpec] = [this.#firstWeights, this.inputSpec]
    attempt(() => {
      undoing(() => {
        this.#programs?.dispose()
        this.#firstWeights = first
        this.#building = false
        Object.assign(this, { built: false, inputSpec })
      })
      this.#building = true
      build.call(this, inputShape)
      this.#building = false
      this.built = true
      this.#firstWeights = null
      if (first) this.setWeights(first)
    })
  }

  /** Copies of the weights' values, in the order of `weights`. */
  getWeights(): NdArray[] {
    this.checkAlive()
    return this.weights.map(variable => variable.read())
  }

  /** Sets all weights, in the order of `weights`; counts and shapes must agree, or nothing is changed. */
  setWeights(values: readonly Values[]): void {
    this.#checkWeights()
    assignAll(this.name, this.weights, values)
  }

  countParams(): number {
    this.#checkWeights()
    return this.weights.reduce((total, { shape }) => total + sizeOf(shape), 0)
  }

  /** The options in Keras's config form. */
  getConfig(): Record<string, unknown> {
    const { fields } = this.constructor as typeof Layer
    const { name, trainable, dtype, activityRegularizer, givenShape: batchInputShape } = this
    const base = { name, trainable, dtype, activityRegularizer, batchInputShape }
    return { ...writeConfig(baseFields, base), ...writeConfig(fields, this) }
  }

  /** A layer from what `getConfig` gave (or a config that Keras wrote). */
  static fromConfig(config: Readonly<Record<string, unknown>>): Layer {
    // biome-ignore lint/complexity/noThisInStatic: subclasses inherit this
    return new (this as unknown as new (options: object) => Layer)(configOptions(config, classNameOf(this)))
  }

  /** Frees the weights. The layer cannot be used any more; disposing twice is harmless. */
  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    this.#release()
    for (const layer of this.ownedLayers()) layer.dispose()
  }

  /** The layers that go when this one goes. */
  protected ownedLayers(): Layer[] {
    return this.sublayers
  }

  /** Refuses to go on when it has been disposed. @internal */
  checkAlive(): void {
    if (this.#disposed) throw new DisposedError(`${this.name} has been disposed`, { layer: this.name })
  }

  #checkWeights(): void {
    this.checkAlive()
    if (this.built) return
    throw new StateError(`${this.name} has no weights before it is built`, { layer: this.name })
  }

  /** Frees `thing` when the layer goes. @internal */
  owns<T extends Disposes>(thing: T): T {
    this.#owned.push(thing)
    undoing(() => this.#owned.pop()?.dispose())
    return thing
  }

  /** The generator of its own, made when it is first needed. @internal */
  drawsFrom(seed: number | null = null): SeedGenerator {
    const name = `${this.name}/seed_generator_state`
    return this.#owned.find(isGenerator) ?? this.owns(new SeedGenerator({ seed, name }, this.engine))
  }

  #release(): void {
    this.#programs?.dispose()
    for (const thing of [...this.#owned, ...this.#generators]) thing.dispose()
    releaseConstants(this)
    for (const variable of this.#variables) variable.dispose()
    this.#variables = []
  }

  /** Takes a name that `taken` does not hold and adds it there. @internal */
  takeName(taken: Set<string>): void {
    let { name } = this
    if (this.#named && taken.has(name))
      throw new ArgumentError(`two layers are named "${name}"`, { layer: name, argument: 'name' })
    const base = snakeCase(this.className)
    for (let counter = 0; taken.has(name); counter++) name = counter === 0 ? base : `${base}_${counter}`
    this.#name = name
    taken.add(name)
  }

  /** @internal */
  get hasOwnName(): boolean {
    return this.#named
  }

  override toString(): string {
    return `${this.className} "${this.name}"`
  }
}

const isLayer = (value: unknown) => value instanceof Layer
const isGenerator = (value: unknown) => value instanceof SeedGenerator
