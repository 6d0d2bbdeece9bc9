/** Forms of the wrappers beside those of test/layers/wrappers.test.ts: layers of cuDNN, several inputs and outputs. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  Bidirectional,
  Dense,
  GRU,
  Input,
  layerCudnnGru,
  layerCudnnLstm,
  Model,
  type NdArray,
  ops,
  type RecurrentLayer,
  RNN,
  RNNCell,
  Sequential,
  ShapeError,
  type SymbolicTensor,
  scope,
  type Tensor,
  TimeDistributed,
  tensor,
  UnsupportedError,
} from '../../ts/entry/api.js'
import { balanced, fails } from '../engine/support.js'
import { sequences } from '../support/random.js'

const [batch, time, features, units] = [2, 5, 3, 4]
const x = sequences(batch, time, features)
const read = (fn: () => unknown) => scope(() => [fn()].flat(9).map(value => (value as Tensor).array()))
const reversed = <T>(rows: readonly (readonly T[])[]) => rows.map(row => [...row].reverse())

test('Bidirectional of the layers of cuDNN', () => {
  for (const of of [layerCudnnGru, layerCudnnLstm]) {
    const make = of as unknown as (options: object) => RecurrentLayer
    using both = new Bidirectional({ layer: make({ units, returnSequences: true }), mergeMode: 'sum' })
    using own = new Bidirectional({
      layer: make({ units }),
      backwardLayer: make({ units, goBackwards: true }),
      mergeMode: null,
    })
    const [a, b] = read(() => own.apply(x)) as number[][][]
    own.forwardLayer.build([null, null, features])
    both.build([null, null, features])
    both.setWeights(own.getWeights())
    const [sums] = read(() => both.apply(x)) as number[][][][]
    // forwards ends at the last step, backwards at the first
    using forward = make({ units, returnSequences: true })
    using backward = make({ units, returnSequences: true, goBackwards: true })
    for (const layer of [forward, backward]) layer.build([null, null, features])
    forward.setWeights(own.getWeights().slice(0, 3))
    backward.setWeights(own.getWeights().slice(3))
    const [f] = read(() => forward.apply(x)) as number[][][][]
    const [g] = read(() => backward.apply(x)) as number[][][][]
    assert.equal([f!.map(row => row.at(-1)), g!.map(row => row.at(-1))], [a, b])
    const back = reversed(g!)
    assert.equal(
      sums,
      f!.map((row, i) => row.map((step, t) => step.map((value, u) => Math.fround(value + back[i]![t]![u]!)))),
    )
  }
})

test('Bidirectional merges every output of a cell', () => {
  class Pair extends RNNCell {
    constructor() {
      super()
      this.stateSize = features
    }
    override call(x: Tensor, [h]: Tensor[]) {
      const sum = ops.add(x, h!)
      return [{ sum, twice: ops.multiply(sum, 2) }, [sum]]
    }
  }
  const sums = (rows: number[][][]) =>
    rows.map(row => {
      const sum = Array(features).fill(0)
      return row.map(step => step.map((value, u) => (sum[u] = Math.fround(sum[u] + Math.fround(value)))))
    })
  const [f, g] = [sums(x), reversed(sums(reversed(x)))]
  const twice = (rows: number[][][]) => rows.map(row => row.map(step => step.map(value => 2 * value)))
  const joined = (a: number[][][], b: number[][][]) =>
    a.map((row, i) => row.map((step, t) => [...step, ...b[i]![t]!]))
  for (const returnState of [false, true]) {
    const layer = () => new RNN({ cell: new Pair(), returnSequences: true, returnState })
    using both = new Bidirectional({ layer: layer() as never, mergeMode: 'concat' })
    const states = returnState ? [f, g].map((rows, i) => rows.map(row => row.at(i ? 0 : -1)!)) : []
    assert.equal(
      read(() => Object.values(([both.apply(x)] as unknown[]).flat()[0] as object)),
      [joined(f, g), joined(twice(f), twice(g))],
    )
    assert.equal(
      read(() => ([both.apply(x)] as unknown[]).flat().slice(1)),
      states,
    )
    using apart = new Bidirectional({ layer: layer() as never, mergeMode: null })
    const outputs = scope(() =>
      (apart.apply(x) as unknown as Record<string, Tensor>[])
        .slice(0, 2)
        .map(({ sum, twice }) => [sum!.array(), twice!.array()]),
    )
    assert.equal(outputs, [
      [f, twice(f)],
      [g, twice(g)],
    ])
  }
})

test('TimeDistributed of a model with several inputs', () =>
  balanced(() => {
    const other = x.map(row => row.map(step => step.map(value => value * value)))
    for (const named of [false, true]) {
      const [a, b] = [Input({ shape: [features], name: 'a' }), Input({ shape: [features], name: 'b' })]
      const y = new Dense({ units }).apply(ops.subtract(a, ops.multiply(b, 2)))
      using inner = new Model({ inputs: named ? { a, b } : [a, b], outputs: y })
      using each = new TimeDistributed({ layer: inner })
      const [s, t] = [0, 1].map(() => Input({ shape: [null, features] }))
      using model = new Model({
        inputs: [s!, t!],
        outputs: each.apply(named ? { a: s!, b: t! } : [s!, t!]) as SymbolicTensor,
      })
      const flat = [x.flat(), other.flat()]
      const expected = inner.predict((named ? { a: flat[0], b: flat[1] } : flat) as never) as NdArray
      assert.equal(model.predict([x, other]).data, expected.data)
      scope(() => {
        const [sequence, row] = [tensor(x), tensor(x[0]!)]
        const wrong = named ? { a: sequence, b: row } : [sequence, row]
        fails(() => each.apply(wrong), ShapeError, /at least 3 axes, not \[5, 3\]/)
      })
    }
  }))

test('TimeDistributed of a stateful layer is refused', () => {
  const layer = new Sequential([new GRU({ units, stateful: true })])
  const error = fails(() => new TimeDistributed({ layer }), UnsupportedError, /cannot be stateful/)
  assert.is(error.argument, 'layer')
})

test.run()
