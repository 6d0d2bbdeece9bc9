import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  type Applicable,
  ArgumentError,
  GRU,
  Input,
  LSTM,
  LSTMCell,
  Model,
  NdArray,
  RNN,
  ShapeError,
  SimpleRNN,
  StackedRNNCells,
  scope,
  type Tensor,
  tensor,
  UnsupportedError,
} from '../../ts/entry/api.js'
import type { NestedArray } from '../../ts/tensor/ndarray.js'
import { balanced, fails, near } from '../engine/support.js'
import { kinds } from '../support/layers.js'
import { matrix, sequences } from '../support/random.js'
import { runReference } from '../support/reference.js'

const [batch, time, features, units] = [3, 7, 5, 6]
const x = sequences(batch, time, features)
const mask = [
  [true, true, true, false, false, false, false],
  [false, false, true, false, true, true, false],
  [true, true, true, true, true, true, true],
]

/** Applies to data and reads everything that comes. */
function read(fn: () => unknown): NestedArray[] {
  return scope(() => [fn()].flat().map(value => (value as Tensor).array()))
}

for (const { name, make, reference } of kinds) {
  test(`${name}: all outputs and states, as the equations say`, () =>
    balanced(() => {
      using layer = make(units, { returnSequences: true, returnState: true })
      const [outputs, ...states] = read(() => layer.apply(x))
      const cell = reference(layer)
      const expected = x.map(sequence => runReference(cell, sequence))
      near(
        outputs!,
        expected.map(row => row.outputs),
        2e-6,
      )
      for (const [i, state] of states.entries())
        near(
          state,
          expected.map(row => row.states[i]!),
          2e-6,
        )
    }))

  test(`${name}: masks, directions and initial states together`, () =>
    balanced(() => {
      for (const backward of [false, true]) {
        using layer = make(units, { returnSequences: true, returnState: true, goBackwards: backward })
        layer.build([null, null, features])
        const cell = reference(layer)
        const first = Array.from({ length: cell.states }, (_, i) => matrix(batch, units, 7 + i))
        const expected = x.map((sequence, b) =>
          runReference(cell, sequence, { mask: mask[b]!, backward, states: first.map(state => state[b]!) }),
        )
        const [outputs, ...states] = read(() => layer.apply(x, { mask, initialState: first }))
        near(
          outputs!,
          expected.map(row => row.outputs),
          2e-6,
        )
        for (const [i, state] of states.entries())
          near(
            state,
            expected.map(row => row.states[i]!),
            2e-6,
          )
      }
    }))

  test(`${name}: without sequences the last output, with a mask the last valid one`, () => {
    using layer = make(units)
    layer.build([null, null, features])
    const cell = reference(layer)
    near(
      read(() => layer.apply(x))[0]!,
      x.map(sequence => runReference(cell, sequence).outputs.at(-1)!),
      2e-6,
    )
    const expected = x.map((sequence, b) => runReference(cell, sequence, { mask: mask[b]! }).outputs.at(-1)!)
    near(read(() => layer.apply(x, { mask }))[0]!, expected, 2e-6)
  })

  test(`${name}: backwards is forwards over the reversed sequence, bit for bit`, () => {
    using forward = make(units, { returnSequences: true })
    using backward = make(units, { returnSequences: true, goBackwards: true })
    const a = read(() => forward.apply(x.map(sequence => [...sequence].reverse())))
    backward.build([null, null, features])
    backward.setWeights(forward.getWeights())
    assert.equal(
      read(() => backward.apply(x)),
      a,
    )
  })

  test(`${name}: padding with a mask changes no bit`, () => {
    using layer = make(units, { returnState: true })
    const short = x.map(sequence => sequence.slice(0, 4))
    const padded = (left: number) =>
      short.map(sequence => {
        const [before, after] = [left, 3 - left].map(count => matrix(Math.max(count, 0), features, 99))
        return [...before!, ...sequence, ...after!]
      })
    const own = (left: number) =>
      short.map(() => Array.from({ length: 7 }, (_, t) => t >= left && t < left + 4))
    const expected = read(() => layer.apply(short))
    for (const left of [0, 1, 3])
      assert.equal(
        read(() => layer.apply(padded(left), { mask: own(left) })),
        expected,
      )
  })

  test(`${name}: NaN in a masked step reaches nothing`, () => {
    using layer = make(units, { returnSequences: true, returnState: true })
    const expected = read(() => layer.apply(x, { mask }))
    const poisoned = x.map((sequence, b) =>
      sequence.map((step, t) =>
        mask[b]![t] ? step : step.map((_, i) => (i % 2 ? Number.NaN : Number.POSITIVE_INFINITY)),
      ),
    )
    assert.equal(
      read(() => layer.apply(poisoned, { mask })),
      expected,
    )
  })

  test(`${name}: a row of a batch has the bits of that sequence alone`, () => {
    using layer = make(units, { returnSequences: true, returnState: true })
    const together = read(() => layer.apply(x)) as NestedArray[][]
    const alone = x.map(sequence => read(() => layer.apply([sequence])) as NestedArray[][])
    for (const [i, part] of together.entries())
      assert.equal(
        part,
        alone.map(row => row[i]![0]),
      )
  })

  test(`${name}: the last states as initial states continue`, () => {
    using layer = make(units, { returnState: true })
    const whole = read(() => layer.apply(x))
    const continued = read(() => {
      const [, ...states] = [layer.apply(x.map(sequence => sequence.slice(0, 3)))].flat() as Tensor[]
      return layer.apply(
        x.map(sequence => sequence.slice(3)),
        { initialState: states },
      )
    })
    assert.equal(continued, whole)
  })
}

test('a stack is its layers in a row, bit for bit, in both directions and with masks', () => {
  for (const goBackwards of [false, true]) {
    using stack = new RNN({
      cell: [new LSTMCell({ units: 4 }), new LSTMCell({ units: 3 })],
      returnSequences: true,
      returnState: true,
      goBackwards,
    })
    using first = new LSTM({ units: 4, returnSequences: true, returnState: true, goBackwards })
    using second = new LSTM({ units: 3, returnSequences: true, returnState: true })
    const got = scope(() => {
      const [output, [h0, c0], [h1, c1]] = stack.apply(x, { mask })
      return [output, h0, c0, h1, c1].map(value => value.array())
    })
    first.build([null, null, features])
    second.build([null, null, 4])
    first.setWeights(stack.getWeights().slice(0, 3))
    second.setWeights(stack.getWeights().slice(3))
    const turned = goBackwards ? mask.map(row => [...row].reverse()) : mask
    const expected = scope(() => {
      const [sequence, h0, c0] = first.apply(x, { mask })
      const [output, h1, c1] = second.apply(sequence, { mask: turned })
      return [output, h0, c0, h1, c1].map(value => value.array())
    })
    assert.equal(got, expected)
  }
})

test('one cell in a list is that cell; stacks nest', () => {
  using alone = new RNN({ cell: new LSTMCell({ units: 4 }), returnState: true })
  using listed = new RNN({ cell: [new LSTMCell({ units: 4 })], returnState: true })
  const expected = read(() => alone.apply(x))
  listed.build([null, null, features])
  listed.setWeights(alone.getWeights())
  assert.equal(listed.stateSize, [[4, 4]])
  const [output, states] = scope(() => {
    const [y, [h, c]] = listed.apply(x)
    return [y.array(), [h.array(), c.array()]]
  })
  assert.equal([output, ...(states as NestedArray[])], expected)

  using nested = new RNN({
    cell: [
      new StackedRNNCells({ cells: [new LSTMCell({ units: 2 }), new LSTMCell({ units: 3 })] }),
      new LSTMCell({ units: 4 }),
    ],
  })
  assert.equal(nested.stateSize, [
    [
      [2, 2],
      [3, 3],
    ],
    [4, 4],
  ])
  near(read(() => nested.apply(x))[0]!, read(() => nested.apply(x))[0]! as NestedArray[])
})

test('RNN({ cell }) equals the layer of that cell', () => {
  using layer = new LSTM({ units })
  using generic = new RNN({ cell: new LSTMCell({ units }) })
  const expected = read(() => layer.apply(x))
  generic.build([null, null, features])
  generic.setWeights(layer.getWeights())
  assert.equal(
    read(() => generic.apply(x)),
    expected,
  )
})

test('initial states: structures, flat lists, a bare tensor, the list form', () => {
  const [h, c] = [matrix(batch, 4, 3), matrix(batch, 4, 4)]
  using layer = new LSTM({ units: 4 })
  const expected = read(() => layer.apply(x, { initialState: [h, c] }))
  const nd = (rows: number[][]) => new NdArray(Float32Array.from(rows.flat()), [batch, 4])
  assert.equal(
    read(() => layer.apply(x, { initialState: [nd(h), tensor(c)] })),
    expected,
  )
  assert.equal(
    read(() => layer.apply([tensor(x), tensor(h), tensor(c)])),
    expected,
  )

  using gru = new GRU({ units: 4 })
  const one = read(() => gru.apply(x, { initialState: h }))
  assert.equal(
    read(() => gru.apply(x, { initialState: [h] })),
    one,
  )
  assert.equal(
    read(() => gru.apply(x, { initialState: tensor(h) })),
    one,
  )

  using stack = new RNN({ cell: [new LSTMCell({ units: 4 }), new LSTMCell({ units: 4 })] })
  const nested = read(() =>
    stack.apply(x, {
      initialState: [
        [h, c],
        [c, h],
      ],
    }),
  )
  assert.equal(
    read(() => stack.apply(x, { initialState: [h, c, c, h] })),
    nested,
  )
})

test('initial states that do not fit', () => {
  using layer = new LSTM({ units: 4, name: 'memory' })
  const h = matrix(batch, 4)
  const state = (initialState: Applicable) => () => layer.apply(x, { initialState })
  const error = fails(state([h]), ArgumentError, /memory has 2 states but was given 1/)
  assert.is(error.argument, 'initialState')
  assert.is(error.layer, 'memory')
  fails(state([h, h, h]), ArgumentError, /given 3/)
  fails(state([h, matrix(batch, 5)]), ShapeError, /state 1 must be \[3, 4\]/)
  fails(state([h, matrix(1, 4)]), ShapeError, /memory: initial state 1 .*not \[1, 4\]/)
  fails(
    () => layer.apply([tensor(x), tensor(h), tensor(h)], { initialState: [h, h] }),
    ArgumentError,
    /in the list and as/,
  )
  const symbol = Input({ shape: [4] })
  fails(
    () => layer.apply(Input({ shape: [null, features] }), { initialState: [symbol, h] }),
    ArgumentError,
    /mixed/,
  )
})

test('symbolic and constant initial states in models', () =>
  balanced(() => {
    const [a, h, c] = [Input({ shape: [null, features] }), Input({ shape: [4] }), Input({ shape: [4] })]
    const layer = new LSTM({ units: 4 })
    const [first, second] = [matrix(batch, 4, 3), matrix(batch, 4, 4)]
    using model = new Model({ inputs: [a, h, c], outputs: layer.apply(a, { initialState: [h, c] }) })
    const expected = model.predict([x, first, second]).array()
    using fixed = new Model({ inputs: a, outputs: layer.apply(a, { initialState: [first, second] }) })
    assert.equal(fixed.predict(x).array(), expected)
    fails(() => fixed.predict(x.slice(1)), ShapeError, /./)
  }))

test('wrong arguments', () => {
  for (const argument of ['stateful', 'unroll', 'timeMajor', 'zeroOutputForMask']) {
    const error = fails(() => new LSTM({ units: 4, [argument]: 1 } as never), ArgumentError, /true or false/)
    assert.is(error.argument, argument)
    assert.is(error.layer, 'LSTM')
  }
  fails(() => new LSTM({ unit: 4 } as never), ArgumentError, /did you mean "units"/)
  fails(() => new LSTM({} as never), ArgumentError, /needs "units"/)
  fails(() => new LSTM({ units: 0 }), ArgumentError, /positive integer/)
  fails(
    () => new LSTM({ units: 4, return_sequences: true } as never),
    ArgumentError,
    /did you mean "returnSequences"/,
  )
  fails(() => new GRU({ units: 4, activation: 'tanhh' as never }), ArgumentError, /did you mean "tanh"/)
  fails(
    () => new GRU({ units: 4, kernelInitializer: 'glorotuniforn' as never }),
    ArgumentError,
    /GlorotUniform/,
  )
  fails(() => new GRU({ units: 4, dropout: 1.5 }), ArgumentError, /dropout/)
  fails(() => new GRU({ units: 4, dtype: 'float16' as never }), UnsupportedError, /dtype/)
  fails(() => new RNN({ cell: 4 as never }), ArgumentError, /"call" and "stateSize"/)
  using layer = new SimpleRNN({ units: 4 })
  fails(
    () => layer.apply(x, { training: 'yes' as unknown as boolean }),
    ArgumentError,
    /training must be true or false/,
  )
  fails(() => layer.apply(x, { initalState: 1 } as never), ArgumentError, /did you mean "initialState"/)
  fails(() => layer.apply(x, { constants: [tensor(1)] }), ArgumentError, /does not use constants/)
  fails(() => layer.apply(matrix(2, 3)), ShapeError, /simple_rnn/)
  fails(() => layer.apply(sequences(2, 0, 5)), ShapeError, /./)
})

test('a mask of the wrong size is refused', () => {
  using layer = new GRU({ units: 4 })
  fails(() => layer.apply(x, { mask: mask.map(row => row.slice(1)) }), ShapeError, /gru/)
  fails(() => layer.apply(x, { mask: [true, false] }), ShapeError, /\[batch, time\]/)
})

test('numbers are masks too: what is not zero counts', () => {
  using layer = new GRU({ units: 4 })
  const expected = read(() => layer.apply(x, { mask }))
  const numeric = mask.map(row => row.map(value => (value ? 0.5 : 0)))
  assert.equal(
    read(() => layer.apply(x, { mask: numeric })),
    expected,
  )
  const bytes = new NdArray(Uint8Array.from(mask.flat().map(Number)), [batch, time])
  assert.equal(
    read(() => layer.apply(x, { mask: bytes })),
    expected,
  )
})

test('every activation inside the cells', () => {
  for (const activation of ['relu', 'linear', 'hardSigmoid', 'softmax', null] as const) {
    using layer = new LSTM({ units: 4, activation, recurrentActivation: 'hardSigmoidKeras2' })
    assert.ok((read(() => layer.apply(x))[0] as number[][]).flat().every(Number.isFinite))
  }
  assert.is(new LSTM({ units: 4, activation: 'hard_sigmoid' as never }).cell.activation, 'hardSigmoid')
})

test('batch 0 gives batch 0', () => {
  using layer = new GRU({ units: 4 })
  const empty = new NdArray(new Float32Array(0), [0, 3, 5])
  scope(() => assert.equal(layer.apply(empty).shape, [0, 4]))
})

test('cells alone compute one step of a sequence', () => {
  using cell = new LSTMCell({ units: 4 })
  using layer = new LSTM({ units: 4, returnState: true })
  scope(() => {
    const [y, h, c] = layer.apply(x.map(sequence => sequence.slice(0, 1)))
    cell.build([null, features])
    cell.setWeights(layer.getWeights())
    const zero = tensor(matrix(batch, 4).map(row => row.map(() => 0)))
    const [output, [h1, c1]] = cell.call(tensor(x.map(sequence => sequence[0]!)), [zero, zero])
    assert.equal(
      [output, h1, c1].map(value => value.array()),
      [y, h, c].map(value => value.array()),
    )
  })
})

test.run()
