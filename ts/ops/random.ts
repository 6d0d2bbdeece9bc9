/**
 * Random numbers, as Keras's `keras.random`. `seed` is an integer from 0, which draws the same numbers in every call, or a `SeedGenerator`,
 * which draws others in each. Without one, ops on data draw anew and what is traced draws from a generator of the engine;
 * `setRandomSeed` makes both reproducible.
 */
import { mustBe } from '../errors.js'
import { Distribution } from '../generated/enums.js'
import { checkOptions } from '../layers/options.js'
import type { Shape } from '../tensor/shape.js'
import { SymbolicTensor, Tensor } from '../tensor/tensor.js'
import { sourceIn } from './cell_call.js'
import { draw, type Source } from './draw.js'
import { greaterEqual, less, multiply, where } from './elementwise.js'
import { type Like, type Operand, operateOne } from './operation.js'
import { isSeed, nextKey, seedKey } from './seed.js'
import { globalGenerator, SeedGenerator } from './seed_generator.js'
import { dims, type Sizes } from './shaping.js'
import { sizeAlong, Trace } from './trace.js'

export { SeedGenerator, type SeedGeneratorOptions } from './seed_generator.js'

export type Seed = number | SeedGenerator | null

export interface RandomOptions {
  seed?: Seed
}
export interface UniformOptions extends RandomOptions {
  /** Default 0. */
  minval?: number
  /** Default 1, never drawn. */
  maxval?: number
}
export interface NormalOptions extends RandomOptions {
  /** Default 0. */
  mean?: number
  /** Default 1. */
  stddev?: number
}
export interface BernoulliOptions extends RandomOptions {
  /** How often it is true. Default 0.5. */
  probability?: number
}
export interface DropoutOptions extends RandomOptions {
  /** The shape of the pattern; sizes of 1 are shared along that axis. Default, and for null: the input's. */
  noiseShape?: Shape | null
}

/** From `minval` up to, without, `maxval`. */
export function uniform(shape: Sizes, options: UniformOptions = {}): Tensor {
  checkOptions('uniform', options, ['minval', 'maxval', 'seed'])
  const { minval = 0, maxval = 1, seed = null } = options
  const [a, b] = [real('uniform', 'minval', minval), real('uniform', 'maxval', maxval)]
  return draw('uniform', Distribution.Uniform, shape, [a, b], source('uniform', seed, dims('uniform', shape)))
}

function bell(name: string, distribution: Distribution) {
  return (shape: Sizes, options: NormalOptions = {}): Tensor => {
    checkOptions(name, options, ['mean', 'stddev', 'seed'])
    const { mean = 0, stddev = 1, seed = null } = options
    const [a, b] = [real(name, 'mean', mean), real(name, 'stddev', stddev)]
    return draw(name, distribution, shape, [a, b], source(name, seed, dims(name, shape)))
  }
}

/** Around `mean`, with the deviation `stddev`. */
export const normal = /* @__PURE__ */ bell('normal', Distribution.Normal)
/** The same, redrawn beyond two deviations. */
export const truncatedNormal = /* @__PURE__ */ bell('truncatedNormal', Distribution.TruncatedNormal)

/** True as often as `probability` says, as bool. */
export function bernoulli(shape: Sizes, options: BernoulliOptions = {}): Tensor {
  checkOptions('bernoulli', options, ['probability', 'seed'])
  const { probability = 0.5, seed = null } = options
  const share = fraction('bernoulli', 'probability', probability)
  const from = source('bernoulli', seed, dims('bernoulli', shape))
  return draw('bernoulli', Distribution.Uniform, shape, [0, 1], from, drawn => less(drawn, share))
}

/** `x` with a share `rate` of it set to 0 and the rest scaled up, so that its mean stays. */
export function dropout<X extends Operand>(x: X, rate: number, options: DropoutOptions = {}): Like<X> {
  checkOptions('dropout', options, ['noiseShape', 'seed'])
  const { noiseShape, seed = null } = options
  const dropped = fraction('dropout', 'rate', rate)
  const from = source('dropout', seed, [x])
  return operateOne('dropout', [x], ([x]) => {
    const shape = noiseShape ?? x!.shape
    if (shape.length !== x!.rank) throw mustBe('dropout', 'noiseShape', `of ${x!.rank} sizes`, noiseShape)
    const sizes = shape.map((size, axis) => size ?? sizeAlong(x!, axis))
    const drawn = draw('dropout', Distribution.Uniform, sizes, [0, 1], from)
    const scale = dropped < 1 ? 1 / (1 - dropped) : 0
    return where(greaterEqual(drawn, dropped), multiply(x!, scale), 0)
  })
}

/** Where an op draws from. */
function source(name: string, seed: Seed, operands: readonly unknown[]): (trace: Trace) => Source {
  if (seed instanceof SeedGenerator) return trace => sourceIn(trace, seed)
  if (seed !== null) {
    if (!isSeed(seed)) throw mustBe(name, 'seed', 'an integer from 0, a SeedGenerator or null', seed)
    return trace => ({ key: seedKey(seed), ...trace.call?.source() })
  }
  const symbolic = operands.some(value => value instanceof SymbolicTensor && !(value instanceof Tensor))
  if (symbolic || Trace.current()) return trace => sourceIn(trace, globalGenerator(trace.engine))
  const key = nextKey(name)
  return () => ({ key })
}

function real(name: string, argument: string, value: unknown): number {
  if (Number.isFinite(value)) return value as number
  throw mustBe(name, argument, 'a number', value)
}

function fraction(name: string, argument: string, value: number): number {
  if (value >= 0 && value <= 1) return value
  throw mustBe(name, argument, 'a number from 0 to 1', value)
}
