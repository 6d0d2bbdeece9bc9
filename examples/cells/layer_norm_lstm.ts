/** An LSTM with layer normalization (Ba et al. 2016) of both products and of the cell state: layers inside a cell. */
import { LayerNormalization, ops, RNNCell, type Shape, type Tensor } from 'layer-rnn'

export class LayerNormLSTM extends RNNCell<{ h: Tensor; c: Tensor }> {
  kernel!: Tensor
  recurrentKernel!: Tensor
  // what adds biases is the norm of the inputs
  readonly inputNorm = new LayerNormalization()
  readonly recurrentNorm = new LayerNormalization({ center: false })
  readonly cellNorm = new LayerNormalization()

  constructor(readonly units: number) {
    super()
    this.stateSize = { h: units, c: units }
  }

  override build(inputShape: Shape) {
    const columns = 4 * this.units
    this.kernel = this.addWeight({ name: 'kernel', shape: [inputShape.at(-1), columns] })
    this.recurrentKernel = this.addWeight({ name: 'recurrent_kernel', shape: [this.units, columns] })
    this.inputNorm.build([null, columns])
    this.recurrentNorm.build([null, columns])
    this.cellNorm.build([null, this.units])
  }

  override call(x: Tensor, { h, c }: { h: Tensor; c: Tensor }) {
    const fromInput = this.inputNorm.apply(ops.dot(x, this.kernel))
    const z = ops.add(fromInput, this.recurrentNorm.apply(ops.dot(h, this.recurrentKernel)))
    const [i, f, g, o] = ops.split(z, 4, -1) as [Tensor, Tensor, Tensor, Tensor]
    const cell = ops.add(ops.multiply(ops.sigmoid(f), c), ops.multiply(ops.sigmoid(i), ops.tanh(g)))
    const output = ops.multiply(ops.sigmoid(o), ops.tanh(this.cellNorm.apply(cell)))
    return [output, { h: output, c: cell }]
  }

  override getConfig() {
    return { ...super.getConfig(), units: this.units }
  }

  static override fromConfig({ units }: { units: number }) {
    return new LayerNormLSTM(units)
  }
}
