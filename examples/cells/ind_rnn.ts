/** IndRNN (Li et al. 2018): every unit remembers only itself. */
import { ops, RNNCell, type Shape, type Tensor } from 'layer-rnn'

export class IndRNN extends RNNCell<[Tensor]> {
  kernel!: Tensor
  recurrent!: Tensor
  bias!: Tensor

  constructor(readonly units: number) {
    super()
    this.stateSize = units
  }

  override build(inputShape: Shape) {
    this.kernel = this.addWeight({ name: 'kernel', shape: [inputShape.at(-1), this.units] })
    this.recurrent = this.addWeight({ name: 'recurrent', shape: [this.units], initializer: 'uniform' })
    this.bias = this.addWeight({ name: 'bias', shape: [this.units], initializer: 'zeros' })
  }

  override call(x: Tensor, [h]: [Tensor]) {
    // the product depends on no state: the engine computes it for all steps at once
    const output = ops.relu(ops.add(ops.linear(x, this.kernel, this.bias), ops.multiply(h, this.recurrent)))
    return [output, [output]]
  }

  override getConfig() {
    return { ...super.getConfig(), units: this.units }
  }

  static override fromConfig({ units }: { units: number }) {
    return new IndRNN(units)
  }
}
