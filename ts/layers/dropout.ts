/** Drops a share of the inputs in training; inference passes them through. */
import { seed } from '../initializers/kinds.js'
import { part } from '../installed.js'
import type { SeedGenerator } from '../ops/seed_generator.js'
import type { Shape } from '../tensor/shape.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import { Layer } from './layer.js'
import type { LayerOptions } from './layer_options.js'
import { dims, type Fields, nullable, rate, required } from './options.js'

export interface DropoutOptions extends LayerOptions {
  /** The share that is dropped, from 0 to 1. */
  rate: number
  /** The shape of the pattern; sizes of 1 are shared along that axis. Default: the input's. */
  noiseShape?: Shape | null
  seed?: number | null
}

export class Dropout extends Layer {
  static override readonly className: string = 'Dropout'
  static readonly module: string = 'keras.layers'
  static override readonly fields: Fields = { rate: rate(required), noiseShape: nullable(dims), seed }
  declare readonly $returns: 'same'
  declare readonly rate: number
  declare readonly noiseShape: Shape | null
  declare readonly seed: number | null
  override supportsMasking = true

  constructor(options: DropoutOptions) {
    super(options)
  }

  /** What its masks are drawn from: one mask for a call, another one for each. */
  get seedGenerator(): SeedGenerator {
    return this.drawsFrom(this.seed)
  }

  override build(inputShape: Shape): void {
    if (this.rate > 0) void this.seedGenerator
    super.build(inputShape)
  }

  override call(inputs: SymbolicTensor, { training = false }: { training?: boolean } = {}): SymbolicTensor {
    const { rate, noiseShape } = this
    if (!training || rate === 0) return inputs
    return part('dropout')(inputs, rate, { noiseShape, seed: this.seedGenerator })
  }
}
