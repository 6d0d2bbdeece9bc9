/** Options that every layer takes, and those of its methods. */
import type { Drawing, InitializerLike } from '../initializers/initializer.js'
import type { Shape } from '../tensor/shape.js'
import {
  count,
  dims,
  type Field,
  type Fields,
  flag,
  list,
  nullable,
  only,
  sparing,
  text,
  unwritten,
} from './options.js'
import { type ConstraintLike, type RegularizerLike, regularizer, type Stored } from './stored.js'
import { isPlain } from './structure.js'
import type { Masks } from './types.js'
import type { Values } from './values.js'

/** Options of every layer. */
export interface LayerOptions {
  /** Unique in its model; by default the class's name in snake_case with a counter. */
  name?: string
  /** Whether training changes the weights. Default true. */
  trainable?: boolean
  /** Only `'float32'`. */
  dtype?: 'float32'
  /** For the first layer of a Sequential: the input's shape without the batch, null where unknown. */
  inputShape?: Shape
  /** The same with the batch as first size. */
  batchInputShape?: Shape
  /** Keras 3's name of `batchInputShape`. */
  batchShape?: Shape
  /** The batch size that goes with `inputShape`. */
  batchSize?: number | null
  /** First values of the weights, in the order of `weights`; set when the layer is built. */
  weights?: readonly Values[]
  /** On the layer's outputs. Kept and written to configs: it acts in training alone, as other regularizers. Default none. */
  activityRegularizer?: RegularizerLike
}

/** Options of `apply`. */
export interface CallOptions {
  /** `[batch, time]`, non-zero where a step counts; wins over the mask that the input carries. False: every step counts. */
  mask?: Masks | false
  /** Whether dropout and its like act. Default: as the layer around this one, otherwise false. */
  training?: boolean
}

/** What `addWeight` takes. */
export interface WeightOptions {
  shape: readonly (number | null | undefined)[]
  /** Default `'glorotUniform'`. */
  initializer?: InitializerLike | Drawing
  name?: string
  dtype?: 'float32'
  trainable?: boolean
  regularizer?: RegularizerLike
  constraint?: ConstraintLike
}

/** What a layer expects of an input; null axes and absent entries are not checked. */
export interface InputSpec {
  /** Whether there may be several, each of them so. */
  several?: boolean
  ndim?: number
  minNdim?: number
  axes?: Readonly<Record<number, number>>
}

const dtype: Field<'float32'> = {
  ...only('float32', true),
  // Keras 3 writes { class_name: 'DTypePolicy', config: { name: 'float32' } }.
  read: (value, place) =>
    only<'float32'>('float32').read(
      isPlain(value) && isPlain(value.config) ? value.config.name : value,
      place,
    ),
}

const activityRegularizer: Field<Stored | null> = {
  ...regularizer(),
  write: value => (value ? regularizer().write?.(value) : undefined),
}

export const baseFields: Fields = {
  name: nullable(text),
  trainable: flag(true),
  dtype,
  inputShape: unwritten(nullable(dims)),
  batchInputShape: sparing(nullable(dims)),
  batchShape: unwritten(nullable(dims)),
  batchSize: unwritten(nullable(count())),
  weights: unwritten(nullable(list)),
  activityRegularizer,
  // Written by some versions of Keras, with these values unless its own special features are in use.
  autocast: only(true),
  dynamic: only(false),
  quantizationConfig: only(null),
  loraRank: only(null),
}

/** Options that are read and do not become properties. */
export const unkept = [
  'inputShape',
  'batchInputShape',
  'batchShape',
  'autocast',
  'dynamic',
  'quantizationConfig',
  'loraRank',
] as const
