/** Cells that users write: run over time inside the engine, as the built-in ones. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import { Input, layerRnn, Model, ops, RNNCell, type Shape, type Tensor } from '../../ts/entry/api.js'
import { balanced, near } from '../engine/support.js'
import { sequences } from '../support/random.js'

class MinimalRNNCell extends RNNCell {
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

test('the minimal cell, alone and stacked', () =>
  balanced(() => {
    const x = Input({ shape: [null, 5] })
    const one = layerRnn(x, { cell: new MinimalRNNCell(32) })
    const two = layerRnn(x, { cell: [new MinimalRNNCell(32), new MinimalRNNCell(64)] })
    assert.equal(
      [one.shape, two.shape],
      [
        [null, 32],
        [null, 64],
      ],
    )
    using model = new Model({ inputs: x, outputs: [one, two] })
    assert.equal(
      model.weights.map(({ shape }) => shape),
      [
        [5, 32],
        [32, 32],
        [5, 32],
        [32, 32],
        [32, 64],
        [64, 64],
      ],
    )
    const data = sequences(3, 4, 5)
    const [y] = model.predict(data) as unknown as [{ array(): number[][] }]
    const [k, r] = model.getWeights().map(weight => weight.array() as number[][]) as [number[][], number[][]]
    const expected = data.map(sequence => {
      let h = new Array<number>(32).fill(0)
      for (const step of sequence) {
        h = h.map(
          (_, u) =>
            step.reduce((sum, value, i) => sum + value * k[i]![u]!, 0) +
            h.reduce((sum, value, i) => sum + value * r[i]![u]!, 0),
        )
      }
      return h
    })
    near(y.array(), expected, 1e-6)
  }))

test.run()
