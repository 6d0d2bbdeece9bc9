/** The simple recurrent unit (Lei et al. 2018): all products are of the inputs, the recurrence works element by element. */
import { ops, RNNCell, type Shape, type Tensor } from 'layer-rnn'

export class SRU extends RNNCell<[Tensor]> {
  kernel!: Tensor
  recurrent!: Tensor
  bias!: Tensor

  constructor(readonly units: number) {
    super()
    this.stateSize = units
    this.outputSize = units
  }

  override build(inputShape: Shape) {
    this.kernel = this.addWeight({ name: 'kernel', shape: [inputShape.at(-1), 4 * this.units] })
    this.recurrent = this.addWeight({ name: 'recurrent', shape: [2, this.units], initializer: 'uniform' })
    this.bias = this.addWeight({ name: 'bias', shape: [2, this.units], initializer: 'zeros' })
  }

  override call(x: Tensor, [c]: [Tensor]) {
    const [input, zf, zr, highway] = ops.split(ops.dot(x, this.kernel), 4, -1) as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ]
    const [vf, vr] = ops.unstack(this.recurrent) as [Tensor, Tensor]
    const [bf, br] = ops.unstack(this.bias) as [Tensor, Tensor]
    const forget = ops.sigmoid(ops.add(ops.add(zf, ops.multiply(vf, c)), bf))
    const reset = ops.sigmoid(ops.add(ops.add(zr, ops.multiply(vr, c)), br))
    const next = ops.add(input, ops.multiply(forget, ops.subtract(c, input)))
    const output = ops.add(highway, ops.multiply(reset, ops.subtract(ops.tanh(next), highway)))
    return [output, [next]]
  }

  override getConfig() {
    return { ...super.getConfig(), units: this.units }
  }

  static override fromConfig({ units }: { units: number }) {
    return new SRU(units)
  }
}
