/** A recurrent layer twice, over the sequence and over its reverse, the outputs merged. */
import { ArgumentError, ShapeError, UnsupportedError } from '../errors.js'
import { add, concatenate, divide, flip, multiply } from '../ops/index.js'
import type { NdArray } from '../tensor/ndarray.js'
import type { Data, Shape } from '../tensor/shape.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import type { Layer } from './layer.js'
import type { LayerOptions } from './layer_options.js'
import { moduleOf } from './naming.js'
import {
  type Field,
  type Fields,
  keyword,
  nullable,
  type Place,
  reject,
  required,
  sparing,
  whole,
} from './options.js'
import { isStreaming, RecurrentLayer } from './recurrent.js'
import { type CustomObjects, type LayerClass, make, serialize, serializeInner } from './registry.js'
import type { Reset } from './reset.js'
import { type StateSize, stateList, stateShapes } from './state_size.js'
import { isTimed, splitStates } from './states.js'
import { isPlain, leaves, type Nested, pack } from './structure.js'
import type { Exact } from './types.js'

type MergeMode = 'concat' | 'sum' | 'mul' | 'ave'

export interface BidirectionalOptions extends LayerOptions {
  /** Both directions are made from this one's options; its weights are not used. */
  layer: RecurrentLayer
  /** How outputs become one; null gives both. Default `'concat'`. */
  mergeMode?: MergeMode | null
  /** For the other direction, instead of a copy of `layer`. */
  backwardLayer?: RecurrentLayer | null
  /** How many tensors at the end of a list `[x, ...states, ...constants]` are constants. Default: as `layer` says. */
  numConstants?: number
}

const recurrent: Field<RecurrentLayer> = { default: required, read: readRecurrent }

const merges: Record<MergeMode, (a: SymbolicTensor, b: SymbolicTensor) => SymbolicTensor> = {
  concat: (a, b) => concatenate([a, b]),
  sum: add,
  mul: multiply,
  ave: (a, b) => divide(add(a, b), 2),
}

/** What both directions must say alike. */
const alike = ['stateful', 'returnSequences', 'returnState', 'timeMajor'] as const

/** The options of the wrapped layer. */
type Wrapped<O> = O extends { layer: { $returns: infer R } } ? R : { options: unknown; states: unknown }

/** States: those of the forward layer, then those of the backward layer; weights likewise. */
// biome-ignore lint/suspicious/noExplicitAny: a variable of the plain type holds the layer whatever its options
export class Bidirectional<const O extends BidirectionalOptions = any> extends RecurrentLayer {
  static override readonly className: string = 'Bidirectional'
  static readonly module: string = 'keras.layers'
  static override readonly fields: Fields = {
    layer: recurrent,
    mergeMode: { ...nullable(keyword('concat', 'sum', 'mul', 'ave')), default: 'concat' },
    backwardLayer: nullable(recurrent),
    numConstants: sparing(whole(0)),
  }
  declare readonly $returns: Wrapped<O> & { twice: O }
  declare readonly mergeMode: MergeMode | null
  declare readonly forwardLayer: RecurrentLayer
  declare readonly backwardLayer: RecurrentLayer

  constructor(options: Exact<O, BidirectionalOptions>) {
    super(options)
    const given = this as { layer?: RecurrentLayer; backwardLayer?: RecurrentLayer | null }
    const { layer, backwardLayer } = given as { layer: RecurrentLayer; backwardLayer?: RecurrentLayer | null }
    delete given.layer
    delete given.backwardLayer
    const { returnSequences, goBackwards, inputSpec } = layer
    const backward = backwardLayer ?? copy(layer, 'backward_', { go_backwards: !goBackwards })
    const forward = copy(layer, 'forward_', {})
    // those of cuDNN have no such option
    for (const each of [forward, backward])
      if (each.zeroOutputForMask !== undefined) Object.assign(each, { zeroOutputForMask: returnSequences })
    Object.assign(this, {
      forwardLayer: forward,
      backwardLayer: backward,
      ...Object.fromEntries(alike.map(name => [name, layer[name]])),
      goBackwards,
      numConstants: this.numConstants || (layer.numConstants ?? 0),
      inputDim: null,
      inputLength: null,
      inputSpec,
    })
    this.trainable = options.trainable ?? layer.trainable
    if (layer.awaitsWeights) {
      const text = `${this.name}: give the weights of both directions here, not to ${layer.name}`
      throw new ArgumentError(text, { layer: this.name, argument: 'weights' })
    }
    const odd = alike.find(name => backward[name] !== layer[name])
    if (odd !== undefined || backward.goBackwards === goBackwards) {
      const argument = 'backwardLayer'
      const must = odd === undefined ? 'another goBackwards than layer' : `the ${odd} of layer`
      const text = `${this.name}: ${argument} must have ${must}`
      throw new ArgumentError(text, { layer: this.name, argument })
    }
  }

  override get unrolls(): boolean {
    return this.forwardLayer.unrolls || this.backwardLayer.unrolls
  }

  override get stateSize(): StateSize {
    return this.#both(layer => stateList(layer.stateSize)) as StateSize
  }

  override get states(): Nested<NdArray<Data> | null> {
    return this.#both(layer => stateList(layer.states as NdArray<Data>))
  }

  override get batchInputShape(): Shape | null {
    return super.batchInputShape ?? this.forwardLayer.batchInputShape
  }

  override build(inputShape: Nested<Shape>): void {
    this.forwardLayer.build(inputShape)
    this.backwardLayer.build(inputShape)
    this.inputSpec = this.forwardLayer.inputSpec
  }

  override getInitialState(batch: Parameters<RecurrentLayer['getInitialState']>[0]): Nested<SymbolicTensor> {
    return this.#both(layer => stateList(layer.getInitialState(batch)))
  }

  override resets(states?: unknown): Reset[] {
    this.needStates()
    if (states === undefined || states === null) return this.#both(layer => layer.resets())
    const flat = splitStates(this, 'states', states, null)
    const half = this.#half
    return [...this.forwardLayer.resets(flat.slice(0, half)), ...this.backwardLayer.resets(flat.slice(half))]
  }

  override call(
    inputs: Nested<SymbolicTensor>,
    { mask, initialState, constants = [], training }: Parameters<RecurrentLayer['call']>[1] = {},
  ): Nested<SymbolicTensor> {
    if (isStreaming() && leaves(inputs).some(isTimed)) {
      throw new UnsupportedError(`${this.name} cannot stream: it starts at the end too`, { layer: this.name })
    }
    const flat = initialState && leaves(initialState)
    const half = this.#half
    const given = constants.length > 0 ? { constants } : undefined
    const run = (layer: RecurrentLayer, states: readonly SymbolicTensor[] | undefined) => {
      // an array would be taken for [x, ...states]
      const made = layer.apply((Array.isArray(inputs) ? [inputs] : inputs) as SymbolicTensor, {
        mask,
        initialState: states,
        training,
        ...given,
      })
      return (this.returnState ? made : [made]) as [Nested<SymbolicTensor>]
    }
    const [a, ...first] = run(this.forwardLayer, flat?.slice(0, half))
    const [b, ...second] = run(this.backwardLayer, flat?.slice(half))
    const back = leaves(b).map(y => (this.returnSequences ? flip(y, 1 - this.batchAxis) : y))
    const merge = this.mergeMode && merges[this.mergeMode]
    const sizes = [leaves(a), back].map(ys => ys.map(y => y.shape.at(-1)).join())
    if (merge && this.mergeMode !== 'concat' && sizes[0] !== sizes[1]) {
      const [layer, argument] = [this.name, 'mergeMode']
      const text = `${layer}: ${argument} "${this.mergeMode}" needs outputs of one size, not ${sizes.join(' and ')}`
      throw new ShapeError(text, { layer, argument })
    }
    const outputs = merge
      ? [
          pack(
            a,
            leaves(a).map((y, i) => merge(y, back[i]!)),
          ),
        ]
      : [a, pack(b, back)]
    const all = [...outputs, ...first, ...second]
    return all.length > 1 ? all : all[0]!
  }

  override computeMask(
    _inputs: SymbolicTensor,
    mask?: SymbolicTensor | null,
  ): Nested<SymbolicTensor | null | undefined> {
    const kept = this.returnSequences ? mask : null
    if (!this.mergeMode) return [kept, kept]
    return this.returnState ? [kept] : kept
  }

  override getConfig(): Record<string, unknown> {
    const { batchInputShape: shape } = this
    return {
      ...super.getConfig(),
      ...(shape && { batch_input_shape: shape }),
      layer: serializeInner(this.forwardLayer),
      backward_layer: serializeInner(this.backwardLayer),
    }
  }

  get #half(): number {
    return stateShapes(this.forwardLayer.stateSize).length
  }

  #both<T>(of: (layer: RecurrentLayer) => readonly T[]): T[] {
    return [...of(this.forwardLayer), ...of(this.backwardLayer)]
  }
}

function readRecurrent(value: unknown, place: Place): RecurrentLayer {
  const layer = isPlain(value) && 'class_name' in value ? make(value) : value
  if (layer instanceof RecurrentLayer && !(layer instanceof Bidirectional)) return layer
  return reject(place, 'a recurrent layer, as LSTM', value)
}

/** An equal layer without weights. */
function copy(layer: RecurrentLayer, prefix: string, changes: object): RecurrentLayer {
  const written = serialize(layer)
  const name = `${prefix}${layer.name.replace(new RegExp(`^${prefix}`), '')}`
  const config = { ...written.config, name, ...changes }
  const classes = classesOf(layer)
  const own = Object.keys(classes).filter(each => moduleOf(classes[each]!) === null)
  const sizes = ({ stateSize }: RecurrentLayer) => JSON.stringify(stateSize)
  try {
    const made = make({ ...written, config }, classes) as RecurrentLayer
    if (own.length === 0 || layer.built || sizes(made) === sizes(layer)) return made
    throw new ArgumentError(`the copy's stateSize is ${sizes(made)}, not ${sizes(layer)}`)
  } catch (cause) {
    if (own.length === 0) throw cause
    const text = `Bidirectional copies its layer: ${own.join(' and ')} must have getConfig and fromConfig that make an equal one, as docs/custom-cells.md says`
    const details = { layer: 'Bidirectional', argument: 'layer', cause }
    throw new ArgumentError(`${text} (${(cause as Error).message})`, details)
  }
}

/** The classes of a layer and of what is in it, which nobody may have registered. */
function classesOf(layer: Layer): CustomObjects {
  return Object.assign(
    { [layer.className]: layer.constructor as unknown as LayerClass },
    ...layer.sublayers.map(classesOf),
  )
}
