/** The minimal gated unit (Zhou et al. 2016): a GRU with one gate, which forgets and lets in. */
import { ops, RNNCell, type Shape, type Tensor } from 'layer-rnn'

export class MinimalGatedUnit extends RNNCell<[Tensor]> {
  kernel!: Tensor
  recurrentKernel!: Tensor
  bias!: Tensor

  constructor(readonly units: number) {
    super()
    this.stateSize = units
  }

  override build(inputShape: Shape) {
    const { units } = this
    this.kernel = this.addWeight({ name: 'kernel', shape: [inputShape.at(-1), 2 * units] })
    this.recurrentKernel = this.addWeight({ name: 'recurrent_kernel', shape: [units, 2 * units] })
    this.bias = this.addWeight({ name: 'bias', shape: [2 * units], initializer: 'zeros' })
  }

  override call(x: Tensor, [h]: [Tensor]) {
    const [xGate, xNew] = ops.split(ops.linear(x, this.kernel, this.bias), 2, -1) as [Tensor, Tensor]
    const [kernelGate, kernelNew] = ops.split(this.recurrentKernel, 2, -1) as [Tensor, Tensor]
    const gate = ops.sigmoid(ops.add(xGate, ops.dot(h, kernelGate)))
    const candidate = ops.tanh(ops.add(xNew, ops.dot(ops.multiply(gate, h), kernelNew)))
    const next = ops.add(h, ops.multiply(gate, ops.subtract(candidate, h)))
    return [next, [next]]
  }

  override getConfig() {
    return { ...super.getConfig(), units: this.units }
  }

  static override fromConfig({ units }: { units: number }) {
    return new MinimalGatedUnit(units)
  }
}
