/**
 * The network that writes by hand (Graves 2013): an LSTM that reads a text, given as a constant, through a window of Gaussians which
 * slides along it. Besides the LSTM's states there are the positions of the Gaussians and what was read last.
 */
import { ops, RNNCell, type Shape, type Tensor } from 'layer-rnn'

interface States {
  h: Tensor
  c: Tensor
  position: Tensor
  window: Tensor
}

export class Handwriting extends RNNCell<States> {
  kernel!: Tensor
  bias!: Tensor
  windowKernel!: Tensor
  windowBias!: Tensor

  constructor(
    readonly units: number,
    readonly gaussians: number,
    readonly letters: number,
  ) {
    super()
    this.stateSize = { h: units, c: units, position: gaussians, window: letters }
    this.outputSize = units + letters
  }

  override build(inputShape: Shape) {
    const { units, gaussians, letters } = this
    const inputs = inputShape.at(-1)! + letters + units
    this.kernel = this.addWeight({ name: 'kernel', shape: [inputs, 4 * units] })
    this.bias = this.addWeight({ name: 'bias', shape: [4 * units], initializer: 'zeros' })
    this.windowKernel = this.addWeight({ name: 'window_kernel', shape: [units, 3 * gaussians] })
    this.windowBias = this.addWeight({ name: 'window_bias', shape: [3 * gaussians], initializer: 'zeros' })
  }

  /** The constant: the text `[batch, length, letters]`. */
  override call(x: Tensor, states: States, { constants: [text] }: { constants: [Tensor] }) {
    // 0, 1, 2, … along the text; it depends on constants alone, so it is computed once, before the first step
    const ones = ops.onesLike(ops.slice(text, [0, 0, 0], [null, null, 1]))
    const places = ops.transpose(ops.subtract(ops.cumsum(ones, 1), 1), [0, 2, 1])

    const z = ops.linear(ops.concatenate([x, states.window, states.h]), this.kernel, this.bias)
    const [i, f, g, o] = ops.split(z, 4, -1) as [Tensor, Tensor, Tensor, Tensor]
    const c = ops.add(ops.multiply(ops.sigmoid(f), states.c), ops.multiply(ops.sigmoid(i), ops.tanh(g)))
    const h = ops.multiply(ops.sigmoid(o), ops.tanh(c))

    const gauss = ops.exp(ops.linear(h, this.windowKernel, this.windowBias))
    const [height, width, shift] = ops.split(gauss, 3, -1) as [Tensor, Tensor, Tensor]
    const position = ops.add(states.position, shift)
    // [batch, gaussians, length]
    const distance = ops.subtract(ops.expandDims(position, -1), places)
    const bells = ops.exp(ops.negative(ops.multiply(ops.expandDims(width, -1), ops.square(distance))))
    const weights = ops.sum(ops.multiply(ops.expandDims(height, -1), bells), 1, true)
    const window = ops.squeeze(ops.matmul(weights, text), 1)
    return [ops.concatenate([h, window]), { h, c, position, window }]
  }

  override getConfig() {
    return { ...super.getConfig(), units: this.units, gaussians: this.gaussians, letters: this.letters }
  }

  static override fromConfig({
    units,
    gaussians,
    letters,
  }: {
    units: number
    gaussians: number
    letters: number
  }) {
    return new Handwriting(units, gaussians, letters)
  }
}
