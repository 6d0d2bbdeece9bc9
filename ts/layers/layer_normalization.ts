/** Each sample less its mean and over its deviation, along one axis or several, times `gamma` plus `beta`. */
import { type Drawing, type InitializerLike, initializer } from '../initializers/initializer.js'
import { layerNormalization } from '../ops/index.js'
import { axisOf, type Shape } from '../tensor/shape.js'
import type { SymbolicTensor, Variable } from '../tensor/tensor.js'
import { Layer } from './layer.js'
import type { LayerOptions } from './layer_options.js'
import { type Field, type Fields, flag, number, only, reject } from './options.js'
import { type ConstraintLike, constraint, type RegularizerLike, regularizer, type Stored } from './stored.js'

export interface LayerNormalizationOptions extends LayerOptions {
  /** What is normalized together, and has its own `gamma` and `beta`. Default −1. */
  axis?: number | readonly number[]
  /** Added to the variance. Default 0.001. */
  epsilon?: number
  /** Adds `beta`. Default true. */
  center?: boolean
  /** Multiplies by `gamma`. Default true. */
  scale?: boolean
  /** Keras's, which it advises against: only false. */
  rmsScaling?: false
  /** Default `'zeros'`. */
  betaInitializer?: InitializerLike
  /** Default `'ones'`. */
  gammaInitializer?: InitializerLike
  betaRegularizer?: RegularizerLike
  gammaRegularizer?: RegularizerLike
  betaConstraint?: ConstraintLike
  gammaConstraint?: ConstraintLike
}

const axis: Field<number | readonly number[]> = {
  default: -1,
  read: (value, place) =>
    [value].flat().length > 0 && [value].flat().every(Number.isInteger)
      ? (value as number)
      : reject(place, 'an integer or a list of integers', value),
  write: value => value,
}

export class LayerNormalization extends Layer {
  static override readonly className: string = 'LayerNormalization'
  static readonly module: string = 'keras.layers'
  static override readonly fields: Fields = {
    axis,
    epsilon: number(1e-3),
    center: flag(true),
    scale: flag(true),
    rmsScaling: only(false, true),
    betaInitializer: initializer('zeros'),
    gammaInitializer: initializer('ones'),
    betaRegularizer: regularizer(),
    gammaRegularizer: regularizer(),
    betaConstraint: constraint(),
    gammaConstraint: constraint(),
  }
  declare readonly $returns: 'same'
  declare readonly axis: number | readonly number[]
  declare readonly epsilon: number
  declare readonly center: boolean
  declare readonly scale: boolean
  declare readonly rmsScaling: false
  declare readonly betaInitializer: Drawing
  declare readonly betaRegularizer: Stored | null
  declare readonly betaConstraint: Stored | null
  declare readonly gammaInitializer: Drawing
  declare readonly gammaRegularizer: Stored | null
  declare readonly gammaConstraint: Stored | null
  declare gamma: Variable | null
  declare beta: Variable | null
  override supportsMasking = true

  constructor(options: LayerNormalizationOptions = {}) {
    super(options)
  }

  override build(inputShape: Shape): void {
    const axes = this.#axes(inputShape)
    const shape = axes.map(axis => inputShape[axis]!)
    this.inputSpec = {
      ndim: inputShape.length,
      axes: Object.fromEntries(axes.map((axis, i) => [axis, shape[i]!])),
    }
    const weight = (name: 'gamma' | 'beta') =>
      this.addWeight({
        name,
        shape,
        initializer: this[`${name}Initializer`],
        regularizer: this[`${name}Regularizer`],
        constraint: this[`${name}Constraint`],
      })
    this.gamma = this.scale ? weight('gamma') : null
    this.beta = this.center ? weight('beta') : null
  }

  override get unrolls(): boolean {
    return [this.axis].flat().some(axis => axis === 1 || axis < -1)
  }

  #axes({ length }: Shape): number[] {
    const axes = [this.axis].flat().map(axis => axisOf(axis, length, this.name))
    if (axes.includes(0) || new Set(axes).size < axes.length)
      reject({ layer: this.name, argument: 'axis' }, 'axes behind the batch, each once', this.axis)
    return axes.sort((a, b) => a - b)
  }

  override call(inputs: SymbolicTensor): SymbolicTensor {
    return layerNormalization(inputs, this.gamma, this.beta, this.#axes(inputs.shape), this.epsilon)
  }
}
