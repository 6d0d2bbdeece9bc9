/** An LSTM whose gates look at the cell state (Gers and Schmidhuber 2000), as Keras's `PeepholeLSTMCell`. */
import { ops, RNNCell, type Shape, type Tensor } from 'layer-rnn'

export class PeepholeLSTM extends RNNCell<[Tensor, Tensor]> {
  kernel!: Tensor
  recurrentKernel!: Tensor
  bias!: Tensor
  peepholes!: Tensor

  constructor(readonly units: number) {
    super()
    this.stateSize = [units, units]
  }

  override build(inputShape: Shape) {
    const columns = 4 * this.units
    this.kernel = this.addWeight({ name: 'kernel', shape: [inputShape.at(-1), columns] })
    this.recurrentKernel = this.addWeight({ name: 'recurrent_kernel', shape: [this.units, columns] })
    this.bias = this.addWeight({ name: 'bias', shape: [columns], initializer: 'zeros' })
    this.peepholes = this.addWeight({ name: 'peepholes', shape: [3, this.units] })
  }

  override call(x: Tensor, [h, c]: [Tensor, Tensor]) {
    const z = ops.add(ops.linear(x, this.kernel, this.bias), ops.dot(h, this.recurrentKernel))
    const [zi, zf, zc, zo] = ops.split(z, 4, -1) as [Tensor, Tensor, Tensor, Tensor]
    const [pi, pf, po] = ops.unstack(this.peepholes) as [Tensor, Tensor, Tensor]
    const i = ops.sigmoid(ops.add(zi, ops.multiply(pi, c)))
    const f = ops.sigmoid(ops.add(zf, ops.multiply(pf, c)))
    const cell = ops.add(ops.multiply(f, c), ops.multiply(i, ops.tanh(zc)))
    const o = ops.sigmoid(ops.add(zo, ops.multiply(po, cell)))
    const output = ops.multiply(o, ops.tanh(cell))
    return [output, [output, cell]]
  }

  override getConfig() {
    return { ...super.getConfig(), units: this.units }
  }

  static override fromConfig({ units }: { units: number }) {
    return new PeepholeLSTM(units)
  }
}
