/**
 * A diagonal state space (S4D, Gu et al. 2022): every feature drives a row of damped oscillators, a linear recurrence. The states are
 * matrices, the real and the imaginary part of `[features, order]`.
 */
import { ops, RNNCell, type Shape, shape, type Tensor } from 'layer-rnn'

export class Diagonal extends RNNCell<[Tensor, Tensor]> {
  decay!: Tensor
  frequency!: Tensor
  drive!: Tensor
  readoutReal!: Tensor
  readoutImaginary!: Tensor
  skip!: Tensor

  constructor(
    readonly features: number,
    readonly order: number,
  ) {
    super()
    this.stateSize = [shape(features, order), shape(features, order)]
    this.outputSize = features
  }

  override build(_: Shape) {
    const matrix = { shape: [this.features, this.order], initializer: 'randomNormal' } as const
    this.decay = this.addWeight({ name: 'decay', ...matrix })
    this.frequency = this.addWeight({ name: 'frequency', ...matrix })
    this.drive = this.addWeight({ name: 'drive', ...matrix })
    this.readoutReal = this.addWeight({ name: 'readout_real', ...matrix })
    this.readoutImaginary = this.addWeight({ name: 'readout_imaginary', ...matrix })
    this.skip = this.addWeight({ name: 'skip', shape: [this.features], initializer: 'ones' })
  }

  override call(x: Tensor, [re, im]: [Tensor, Tensor]) {
    // depends on weights alone: computed once, before the first step
    const radius = ops.exp(ops.negative(ops.exp(this.decay)))
    const a = ops.multiply(radius, ops.cos(this.frequency))
    const b = ops.multiply(radius, ops.sin(this.frequency))
    const driven = ops.multiply(ops.expandDims(x, -1), this.drive)
    const real = ops.add(ops.subtract(ops.multiply(a, re), ops.multiply(b, im)), driven)
    const imaginary = ops.add(ops.multiply(a, im), ops.multiply(b, re))
    const read = ops.subtract(
      ops.multiply(this.readoutReal, real),
      ops.multiply(this.readoutImaginary, imaginary),
    )
    return [ops.add(ops.sum(read, -1), ops.multiply(this.skip, x)), [real, imaginary]]
  }

  override getConfig() {
    return { ...super.getConfig(), features: this.features, order: this.order }
  }

  static override fromConfig({ features, order }: { features: number; order: number }) {
    return new Diagonal(features, order)
  }
}
