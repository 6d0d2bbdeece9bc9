/** Cells as users write them. */
import { ops, RNNCell, type Shape, shape, type Tensor, type Variable } from '../../ts/entry/api.js'

/** The cell of Keras's documentation. */
export class MinimalRNNCell extends RNNCell {
  units: number
  kernel!: Tensor
  recurrentKernel!: Tensor

  constructor(units: number) {
    super()
    this.units = units
    this.stateSize = units
  }

  override build(inputShape: Shape) {
    this.kernel = this.addWeight({
      shape: [inputShape.at(-1), this.units],
      initializer: 'uniform',
      name: 'kernel',
    })
    this.recurrentKernel = this.addWeight({
      shape: [this.units, this.units],
      initializer: 'uniform',
      name: 'recurrent_kernel',
    })
    this.built = true
  }

  override call(inputs: Tensor, states: Tensor[]) {
    const prevOutput = states[0]!
    const h = ops.dot(inputs, this.kernel)
    const output = ops.add(h, ops.dot(prevOutput, this.recurrentKernel))
    return [output, [output]]
  }
}

/** An LSTM written with ops, its states by name. */
export class OpsLSTMCell extends RNNCell<{ h: Tensor; c: Tensor }> {
  kernel!: Tensor
  recurrent!: Tensor
  bias!: Tensor

  constructor(readonly units: number) {
    super()
    this.stateSize = { h: units, c: units }
  }

  override build(inputShape: Shape) {
    const columns = 4 * this.units
    this.kernel = this.addWeight({ shape: [inputShape.at(-1), columns], name: 'kernel' })
    this.recurrent = this.addWeight({ shape: [this.units, columns], name: 'recurrent' })
    this.bias = this.addWeight({ shape: [columns], name: 'bias', initializer: 'randomNormal' })
  }

  override call(x: Tensor, { h, c }: { h: Tensor; c: Tensor }) {
    const z = ops.add(ops.linear(x, this.kernel, this.bias), ops.dot(h, this.recurrent))
    const [i, f, g, o] = ops.split(z, 4, -1) as [Tensor, Tensor, Tensor, Tensor]
    const next = ops.add(ops.multiply(ops.sigmoid(f), c), ops.multiply(ops.sigmoid(i), ops.tanh(g)))
    const output = ops.multiply(ops.sigmoid(o), ops.tanh(next))
    return [output, { h: output, c: next }]
  }
}

/** A matrix of sums, and a step count that starts at 10; the output is neither. */
export class MatrixCell extends RNNCell<[Tensor, Tensor]> {
  constructor() {
    super()
    this.stateSize = [shape(2, 3), 1]
    this.outputSize = 2
  }

  override call(x: Tensor, [sum, count]: [Tensor, Tensor]) {
    const outer = ops.multiply(
      ops.expandDims(ops.slice(x, [0, 0], [null, 2]), 2),
      ops.expandDims(ops.slice(x, [0, 2], [null, 3]), 1),
    )
    const next = ops.add(ops.multiply(sum, 0.5), outer)
    const steps = ops.add(count, 1)
    return [ops.divide(ops.sum(next, -1), steps), [next, steps]]
  }

  override getInitialState({ batchSize }: { batchSize: number }) {
    return [ops.zeros([batchSize, 2, 3]), ops.full([batchSize, 1], 10)]
  }
}

/** A plain object of stateSize and call, of five features. */
export const plain = {
  stateSize: 5,
  call: (x: Tensor, [h]: [Tensor]) => {
    const o = ops.tanh(ops.add(x, ops.multiply(h, 0.7)))
    return [o, [o]]
  },
}

/** What it sees, times the number of steps before, summed up. */
export class Counter extends RNNCell<[Tensor]> {
  count!: Variable

  constructor() {
    super()
    this.stateSize = 1
  }

  override build() {
    this.count = this.addWeight({ shape: [], initializer: 'zeros', name: 'count', trainable: false })
  }

  override call(x: Tensor, [h]: [Tensor]) {
    this.count.assign(ops.add(this.count, 1))
    const y = ops.add(h, ops.multiply(x, this.count))
    return [y, [y]]
  }
}

/** Counts steps over all calls, and keeps a moving mean of what it sees. */
export class CountingCell extends RNNCell {
  count!: Variable
  mean!: Variable

  constructor() {
    super()
    this.stateSize = 1
  }

  override build(inputShape: Shape) {
    this.count = this.addWeight({ shape: [], initializer: 'zeros', name: 'count', trainable: false })
    this.mean = this.addWeight({
      shape: [inputShape.at(-1)],
      initializer: 'zeros',
      name: 'mean',
      trainable: false,
    })
  }

  override call(x: Tensor, [h]: [Tensor]) {
    this.count.assign(ops.add(this.count, 1))
    this.mean.assign(ops.add(ops.multiply(this.mean, 0.5), ops.multiply(ops.mean(x, 0), 0.5)))
    const output = ops.add(
      ops.add(h, ops.sum(ops.subtract(x, this.mean), -1, true)),
      ops.multiply(this.count, 100),
    )
    return [output, [output]]
  }
}
