import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scope } from '../../ts/engine/handle.js'
import { GRU } from '../../ts/layers/gru.js'
import { LSTM } from '../../ts/layers/lstm.js'
import { SimpleRNN } from '../../ts/layers/simple_rnn.js'
import { type Tensor, tensor } from '../../ts/tensor/tensor.js'

const rows = 4096
const linear = { activation: null, recurrentActivation: null, useBias: false } as const
const full = (value: number, ...shape: number[]) =>
  tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value), shape)

/** One unit, all weights of the input 1 and of the state 0, or the other way round; the share of rows with each output. */
function shares(
  make: (options: object) => LSTM | GRU,
  options: object,
  recurrent: boolean,
): Map<number, number> {
  const layer = make({ ...options, units: 1, seed: 3 })
  return scope(() => {
    const x = full(1, rows, 1, 1)
    const h0 = full(recurrent ? 1 : 0, rows, 1)
    const states = layer instanceof LSTM ? [h0, full(0, rows, 1)] : [h0]
    layer.apply(x)
    const [kernel, recurrentKernel] = layer.weights
    kernel!.assign(full(recurrent ? 0 : 1, 1, kernel!.shape[1]!))
    recurrentKernel!.assign(full(recurrent ? 1 : 0, 1, kernel!.shape[1]!))
    const y = (layer.apply(x, { initialState: states, training: true }) as Tensor).data()
    const counts = new Map<number, number>()
    for (const value of y) counts.set(value, (counts.get(value) ?? 0) + 1)
    layer.dispose()
    return counts
  })
}

/** Within five deviations. */
function are(counts: Map<number, number>, expected: Record<number, number>): void {
  assert.equal([...counts.keys()].map(Number).sort(), Object.keys(expected).map(Number).sort())
  for (const [value, share] of Object.entries(expected)) {
    const count = counts.get(Number(value))!
    assert.ok(
      Math.abs(count - rows * share) < 5 * Math.sqrt(rows * share * (1 - share)),
      `${value}: ${count}`,
    )
  }
}

test('LSTM: one mask of the inputs, or one for each gate', () => {
  const make = (options: object) =>
    new LSTM({ ...linear, unitForgetBias: false, ...(options as { units: number }) })
  are(shares(make, { dropout: 0.5 }, false), { 0: 1 / 2, 8: 1 / 2 })
  are(shares(make, { dropout: 0.5, implementation: 1 }, false), { 0: 7 / 8, 8: 1 / 8 })
  are(shares(make, { dropout: 0.5, recurrentDropout: 0.1 }, false), { 0: 7 / 8, 8: 1 / 8 })
  are(shares(make, { recurrentDropout: 0.5 }, true), { 0: 7 / 8, 8: 1 / 8 })
})

test('GRU: the same, in both forms', () => {
  for (const resetAfter of [true, false]) {
    const make = (options: object) => new GRU({ ...linear, resetAfter, ...(options as { units: number }) })
    are(shares(make, { dropout: 0.5 }, false), { 0: 1 / 2, [-2]: 1 / 2 })
    are(shares(make, { dropout: 0.5, implementation: 1 }, false), { 0: 1 / 2, 2: 1 / 4, [-2]: 1 / 4 })
    are(shares(make, { recurrentDropout: 0.5 }, true), { 0: 3 / 8, 2: 3 / 8, 4: 1 / 8, [-2]: 1 / 8 })
  }
})

test('a mask holds for all steps of a call and is another in the next; predictions know none', () => {
  const [units, time] = [40, 5]
  for (const recurrent of [false, true]) {
    const layer = new SimpleRNN({
      units,
      activation: null,
      returnSequences: true,
      dropout: recurrent ? 0 : 0.5,
      recurrentDropout: recurrent ? 0.5 : 0,
      kernelInitializer: recurrent ? 'zeros' : 'identity',
      recurrentInitializer: recurrent ? 'identity' : 'zeros',
    })
    scope(() => {
      const x = full(1, 2, time, units)
      const run = (training: boolean) =>
        (layer.apply(x, { initialState: full(1, 2, units), training }) as Tensor).data()
      assert.ok(run(false).every(value => value === 1))
      const [a, b] = [run(true), run(true)]
      assert.not.equal(a, b)
      for (const y of [a, b]) {
        assert.is(new Set(y.subarray(0, units)).size, 2)
        assert.not.equal(y.subarray(0, units), y.subarray(time * units, (time + 1) * units))
        y.forEach((value, i) => {
          const step = Math.floor(i / units) % time
          const first = y[i - step * units]!
          assert.is(value, recurrent ? first ** (step + 1) : first)
          assert.ok(first === 0 || first === 2)
        })
      }
    })
    layer.dispose()
  }
})

test.run()
