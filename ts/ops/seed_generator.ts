/// <reference lib="esnext.disposable" preserve="true" />
/** Generators: random streams that go on from call to call, as Keras's `SeedGenerator`. */
import type { Engine } from '../engine/engine.js'
import { Owner } from '../engine/handle.js'
import { mustBe } from '../errors.js'
import { checkOptions } from '../layers/options.js'
import { Variable } from '../tensor/tensor.js'
import { add } from './elementwise.js'
import { globalKey, isSeed, nextKey, onSeed } from './seed.js'
import type { Trace } from './trace.js'

export interface SeedGeneratorOptions {
  /** An integer from 0. Default: another one for every generator, in an order that `setRandomSeed` fixes. */
  seed?: number | null
  name?: string
}

/**
 * A seed and a count of calls. Whatever draws from a generator draws other numbers in every call of a program: one run of a model,
 * one batch of training, one op on data. Programs traced anew, masked rows, rows in another company: the same seed, the same call,
 * the same layer, step and row give the same numbers.
 */
export class SeedGenerator extends Owner {
  /** `[seed, call]`, int32: what to save and set to go on where a generator was. */
  readonly state: Variable
  /** The traces whose runs count. */
  #counted = new WeakSet<Trace>()

  constructor(options: SeedGeneratorOptions = {}, engine?: Engine) {
    super()
    checkOptions('SeedGenerator', options, ['seed', 'name'])
    const { seed = null, name = 'seed_generator_state' } = options
    if (seed !== null && !isSeed(seed))
      throw mustBe('SeedGenerator', 'seed', 'an integer from 0 or null', seed)
    const first = seed ?? nextKey(name)[0]
    this.state = new Variable({
      name,
      shape: [2],
      dtype: 'int32',
      trainable: false,
      initializer: () => firstState(first),
      engine,
    })
  }

  get disposed(): boolean {
    return this.state.disposed
  }

  dispose(): void {
    this.state.dispose()
  }

  /** Starts again with this seed. @internal */
  restart(seed: number): void {
    this.state.set(firstState(seed))
  }

  /** Every run of what is traced is a call. @internal */
  countIn(trace: Trace): void {
    if (this.#counted.has(trace)) return
    this.#counted.add(trace)
    trace.run(() => trace.assign(this.state, add(this.state, Int32Array.of(0, 1))))
  }
}

/** Seeds of more than 32 bits are folded. */
const firstState = (seed: number) => Int32Array.of((seed % 2 ** 32) ^ Math.trunc(seed / 2 ** 32), 0)

const generators = new Map<Engine, SeedGenerator>()

/** The generator of what is traced without a seed. @internal */
export function globalGenerator(engine: Engine): SeedGenerator {
  onSeed(restart)
  const known = generators.get(engine)
  if (known && !known.disposed) return known
  for (const [each, generator] of generators) if (generator.disposed) generators.delete(each)
  const generator = new SeedGenerator({ seed: globalSeed() }, engine)
  generators.set(engine, generator)
  return generator
}

/** Programs that are there go on with the new seed. */
function restart(): void {
  for (const generator of generators.values()) if (!generator.disposed) generator.restart(globalSeed())
}

const globalSeed = () => globalKey('generator')[0]
