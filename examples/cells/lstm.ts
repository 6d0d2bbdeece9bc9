/** Keras's LSTM, written with ops: the same weights give the same numbers but for rounding. */
import { ops, RNNCell, type Shape, type Tensor } from 'layer-rnn'

export class OpsLSTM extends RNNCell<[Tensor, Tensor]> {
  kernel!: Tensor
  recurrentKernel!: Tensor
  bias!: Tensor

  constructor(readonly units: number) {
    super()
    this.stateSize = [units, units]
  }

  override build(inputShape: Shape) {
    const columns = 4 * this.units
    this.kernel = this.addWeight({ name: 'kernel', shape: [inputShape.at(-1), columns] })
    this.recurrentKernel = this.addWeight({
      name: 'recurrent_kernel',
      shape: [this.units, columns],
      initializer: 'orthogonal',
    })
    this.bias = this.addWeight({ name: 'bias', shape: [columns], initializer: 'zeros' })
  }

  override call(x: Tensor, [h, c]: [Tensor, Tensor]) {
    const z = ops.add(ops.linear(x, this.kernel, this.bias), ops.dot(h, this.recurrentKernel))
    const [i, f, g, o] = ops.split(z, 4, -1) as [Tensor, Tensor, Tensor, Tensor]
    const next = ops.add(ops.multiply(ops.sigmoid(f), c), ops.multiply(ops.sigmoid(i), ops.tanh(g)))
    const output = ops.multiply(ops.sigmoid(o), ops.tanh(next))
    return [output, [output, next]]
  }

  override getConfig() {
    return { ...super.getConfig(), units: this.units }
  }

  static override fromConfig({ units }: { units: number }) {
    return new OpsLSTM(units)
  }
}
