/** Dropout of cells and layers inside cells. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scope } from '../../ts/engine/handle.js'
import {
  Dropout,
  GRUCell,
  LSTMCell,
  ops,
  type RecurrentOptions,
  RNN,
  RNNCell,
  SimpleRNNCell,
  setRandomSeed,
  type Tensor,
} from '../../ts/entry/api.js'
import { tensor } from '../../ts/tensor/tensor.js'
import { balanced } from '../engine/support.js'
import { numbers } from '../support/random.js'

const { SeedGenerator } = ops.random
const units = 3

/** A built-in cell inside, and masks of its own. */
class DroppingCell extends RNNCell {
  readonly inner: LSTMCell | GRUCell
  seedGenerator = new SeedGenerator({ seed: 8 })

  constructor(inner: LSTMCell | GRUCell) {
    super()
    this.inner = inner
    this.stateSize = inner.stateSize
    this.outputSize = inner.units
  }

  override build(shape: readonly number[]) {
    this.inner.build(shape)
  }

  override call(x: Tensor, states: Tensor[], { training }: { training: boolean }) {
    const [h, ...rest] = states as [Tensor]
    const seen = training ? ops.multiply(x, this.getDropoutMask(x, 0.25)) : x
    const kept = training ? ops.multiply(h, this.getRecurrentDropoutMask(h, 0.25)) : h
    return this.inner.call(seen, [kept, ...rest], { training })
  }
}

for (const Cell of [LSTMCell, GRUCell]) {
  const inner = () => new Cell({ units, dropout: 0.5, recurrentDropout: 0.25, seed: 3 })
  const data = tensor(numbers(8 * 5 * units, 4), [8, 5, units])

  test(`${Cell.className} with dropout inside another cell: masks of a call, the same unrolled`, () => {
    balanced(() =>
      scope(() => {
        const make = (options: RecurrentOptions = {}) =>
          new RNN({ cell: new DroppingCell(inner()), returnSequences: true, ...options })
        const [layer, unrolled] = [make(), make({ unroll: true })]
        const run = (each: RNN, training: boolean) => (each.apply(data, { training }) as Tensor).data()
        assert.equal(run(layer, false), run(layer, false))
        unrolled.build([8, 5, units])
        unrolled.setWeights(layer.getWeights())
        const outputs = [run(layer, true), run(layer, true)]
        assert.not.equal(outputs[0], outputs[1])
        assert.equal([run(unrolled, true), run(unrolled, true)], outputs)
        const states = layer.variables.filter(variable => !layer.weights.includes(variable))
        assert.equal(
          states.map(state => [...state.data<Int32Array>()]),
          [
            [8, 2],
            [3, 2],
          ],
        )
        assert.is(layer.variables.length, layer.weights.length + 2)
        layer.dispose()
        unrolled.dispose()
      }),
    )
  })

  test(`${Cell.className}: gradients through its masks are the central differences`, () => {
    const cell = new DroppingCell(inner())
    const layer = new RNN({ cell })
    scope(() => {
      setRandomSeed(3)
      layer.build([8, 5, units])
      const generators = layer.variables.filter(variable => variable.dtype === 'int32')
      const loss = (x: Tensor) => ops.sum(ops.square(layer.apply(x, { training: true })))
      const begin = () => {
        for (const state of generators) state.assign(ops.multiply(state, Int32Array.of(1, 0)))
      }
      begin()
      const slope = ops.grad(loss)(data).data()
      const x = data.data()
      const at = (i: number, by: number) => {
        const moved = x.slice()
        moved[i]! += by
        begin()
        return loss(tensor(moved, data.shape)).item() as number
      }
      let most = 0
      for (let i = 0; i < x.length; i += 7) {
        const expected = (at(i, 1e-2) - at(i, -1e-2)) / 2e-2
        most = Math.max(most, Math.abs(expected))
        assert.ok(Math.abs(slope[i]! - expected) < 2e-3, `${i}: ${slope[i]} ${expected}`)
      }
      assert.ok(most > 0.05, 'there is a slope')
      assert.ok(
        slope.some(value => value === 0),
        'what is dropped has none',
      )
    })
    layer.dispose()
  })
}

test('masks of a call hold for all its steps, those of a layer for one', () => {
  const width = 40
  const make = (call: (cell: RNNCell, x: Tensor) => Tensor) => {
    class MaskCell extends RNNCell {
      drop = new Dropout({ rate: 0.5, seed: 2 })
      inner = new SimpleRNNCell({
        units: width,
        activation: null,
        dropout: 0.5,
        kernelInitializer: 'identity',
        recurrentInitializer: 'zeros',
      })

      constructor() {
        super()
        this.stateSize = width
      }

      override build(shape: readonly number[]) {
        this.inner.build(shape)
      }

      override call(x: Tensor) {
        const y = call(this, x)
        return [y, [y]]
      }
    }
    return new MaskCell()
  }
  type Parts = { drop: Dropout; inner: SimpleRNNCell }
  const cells: [held: boolean, call: (cell: RNNCell, x: Tensor) => Tensor][] = [
    [true, (cell, x) => ops.multiply(x, cell.getDropoutMask(x, 0.5))],
    [true, (cell, x) => (cell as never as Parts).inner.call(x, [x], { training: true })[0] as Tensor],
    [false, (cell, x) => (cell as never as Parts).drop.apply(x, { training: true })],
  ]
  const batch = 3
  const time = 4
  for (const [held, call] of cells) {
    for (const shape of [[null, width], undefined]) {
      const layer = new RNN({
        cell: make(call),
        returnSequences: true,
        ...(shape ? { inputShape: shape } : { batchInputShape: [batch, time, width], stateful: true }),
      })
      scope(() => {
        const x = tensor(new Float32Array(batch * time * width).fill(1), [batch, time, width])
        const mask = [
          [1, 1, 1, 1],
          [1, 0, 1, 1],
          [0, 0, 1, 1],
        ]
        const [a, b] = [layer.apply(x, { training: true }), layer.apply(x, { training: true })].map(y =>
          (y as Tensor).data(),
        ) as [Float32Array, Float32Array]
        assert.not.equal(a, b)
        const row = (y: Float32Array, r: number, step: number) =>
          y.slice((r * time + step) * width, (r * time + step + 1) * width)
        for (const y of [a, b]) {
          assert.equal([...new Set(y)].sort(), [0, 2])
          for (let r = 0; r < batch; r++) {
            for (let step = 1; step < time; step++)
              assert.is(String(row(y, r, step)) === String(row(y, r, 0)), held)
            assert.not.equal(row(y, r, 0), row(y, (r + 1) % batch, 0))
          }
        }
        const masked = (layer.apply(x, { training: true, mask }) as Tensor).data()
        for (let r = 0; r < batch; r++) {
          assert.equal([...new Set(row(masked, r, 3))].sort(), [0, 2])
          assert.is(String(row(masked, r, 3)) === String(row(masked, r, 2)), held)
        }
      })
      layer.dispose()
    }
  }
})

test.run()
