/** Initializers with options, as Keras names them: `initializers.randomUniform({ minval: -1, maxval: 1, seed: 7 })`. */
import { Initializer } from './initializer.js'

export interface SeedOptions {
  /** The same seed and shape give the same values. Default: every weight has its own. */
  seed?: number | null
}
export interface UniformOptions extends SeedOptions {
  /** Default -0.05. */
  minval?: number
  /** Default 0.05. */
  maxval?: number
}
export interface NormalOptions extends SeedOptions {
  /** Default 0. */
  mean?: number
  /** Default 0.05. */
  stddev?: number
}
export interface VarianceScalingOptions extends SeedOptions {
  /** Default 1. */
  scale?: number
  /** Default `'fanIn'`. */
  mode?: 'fanIn' | 'fanOut' | 'fanAvg'
  /** Default `'truncatedNormal'`. */
  distribution?: 'truncatedNormal' | 'untruncatedNormal' | 'normal' | 'uniform'
}

const make =
  <O extends object>(className: string) =>
  (options?: O): Initializer =>
    new Initializer(className, options)

export const zeros = make('Zeros')
export const ones = make('Ones')
/** Default value 0. */
export const constant = make<{ value?: number }>('Constant')
/** A matrix with `gain` (default 1) on its diagonal. */
export const identity = make<{ gain?: number }>('Identity')
export const randomUniform = make<UniformOptions>('RandomUniform')
export const randomNormal = make<NormalOptions>('RandomNormal')
/** Redrawn beyond two standard deviations. */
export const truncatedNormal = make<NormalOptions>('TruncatedNormal')
export const varianceScaling = make<VarianceScalingOptions>('VarianceScaling')
/** Uniform within ±√(6 / (fanIn + fanOut)). */
export const glorotUniform = make<SeedOptions>('GlorotUniform')
export const glorotNormal = make<SeedOptions>('GlorotNormal')
/** Uniform within ±√(6 / fanIn). */
export const heUniform = make<SeedOptions>('HeUniform')
export const heNormal = make<SeedOptions>('HeNormal')
/** Uniform within ±√(3 / fanIn). */
export const lecunUniform = make<SeedOptions>('LecunUniform')
export const lecunNormal = make<SeedOptions>('LecunNormal')
/** Orthonormal rows or columns, whichever are fewer, times `gain` (default 1). */
export const orthogonal = make<SeedOptions & { gain?: number }>('Orthogonal')
