/** What a cell may not do, by the class and the code of the error. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  ArgumentError,
  CellError,
  Dense,
  Input,
  Layer,
  LSTMCell,
  ops,
  RNN,
  RNNCell,
  Sequential,
  ShapeError,
  StateError,
  scope,
  serialize,
  shape,
  type Tensor,
  TraceError,
  UnsupportedError,
} from '../../ts/entry/api.js'
import { fails } from '../engine/support.js'
import { sequences } from '../support/random.js'
import { CountingCell, MinimalRNNCell } from './support.js'

const x = sequences(2, 3, 4)

type Call = (x: Tensor, states: Tensor[], options: { constants: Tensor[] }) => readonly unknown[]

/** Applies a cell with this step. */
function step(call: Call, rest: object = {}): () => unknown {
  return () => scope(() => new RNN({ cell: { stateSize: 4, call, ...rest } }).apply(x))
}

test('what call returns is checked', () => {
  const structure = /cell: call must return \[output, \[tensor float32 \[null, 4\]\]\], not /
  fails(
    step(x => x as never),
    CellError,
    structure,
  )
  for (const wrong of [
    (x: Tensor) => [x],
    (x: Tensor) => [x, [x, x]],
    (x: Tensor) => [x, []],
    (x: Tensor) => [x, { h: x }],
    (x: Tensor) => [x, [1]],
    (x: Tensor) => [[], [x]],
    (x: Tensor) => ['x', [x]],
    () => [undefined, undefined],
  ]) {
    const error = fails(step(wrong as Call), CellError, structure)
    assert.is(error.code, 'cell')
    assert.is(error.layer, 'cell')
    assert.is(error.argument, 'call')
  }
  class Named extends RNNCell<{ h: Tensor; c: Tensor }> {
    constructor() {
      super({ name: 'mine' })
      this.stateSize = { h: 4, c: 4 }
    }
    override call(x: Tensor, { h }: { h: Tensor }) {
      return [x, { h }]
    }
  }
  const error = fails(
    () => new RNN({ cell: new Named() }).apply(x),
    CellError,
    /mine: call must return .*not/,
  )
  assert.is(error.layer, 'mine')
})

test('one state may come alone, as Keras has it', () => {
  scope(() => {
    for (const call of [(x: Tensor) => [x, x], (x: Tensor) => [x, [x]]])
      assert.equal(
        (step(call)() as Tensor).array(),
        x.map(row => row.at(-1)),
      )
  })
})

test('states keep their shape and dtype, outputs have the rows', () => {
  const drift = /cell: state 0 comes in and must go out as tensor float32 \[null, 4\], not tensor/
  const wrong: ((x: Tensor) => unknown)[] = [
    x => ops.concatenate([x, x], 1),
    x => ops.mean(x, 0, true),
    x => ops.mean(x, 0),
    x => ops.cast(x, 'int32'),
    x => ops.expandDims(x, 0),
    () => ops.zeros([2, 4]),
  ]
  for (const make of wrong) fails(step((x => [x, [make(x)]]) as Call), CellError, drift)
  fails(
    step(x => [ops.mean(x, 0), [x]]),
    CellError,
    /cell: the output must be \[null\], not tensor/,
  )
  fails(
    step(x => [x, [x]], { outputSize: 3 }),
    CellError,
    /the output must be \[null, 3\], not tensor float32 \[null, 4\]/,
  )
})

test('values cannot be read while a step is traced', () => {
  for (const read of [
    (x: Tensor) => x.item(),
    (x: Tensor) => x.data(),
    (x: Tensor) => (x as unknown as number) + 1,
  ]) {
    const error = fails(
      step(x => [read(x), [x]]),
      TraceError,
      /^cell: .*ops\.where.*unroll: true/,
    )
    assert.is(error.layer, 'cell')
  }
})

test('a value kept from a step is refused', () => {
  let kept: Tensor | undefined
  step(x => {
    kept = x
    return [x, [x]]
  })()
  fails(() => scope(() => ops.add(kept!, 1)), TraceError, /kept from a step of cell/)
  fails(
    step(x => [ops.add(x, kept!), [x]]),
    TraceError,
    /kept from a step of cell\. States and results must be passed on/,
  )
  const layer = new RNN({
    cell: {
      stateSize: 4,
      call: (x: Tensor) => {
        kept = x
        return [x, [x]]
      },
    },
  })
  class Leaks extends Layer {
    override call(x: Tensor) {
      layer.apply(x)
      return ops.add(kept!, 1)
    }
  }
  fails(() => new Leaks().apply(x), TraceError, /kept from a step of cell/)
})

test('weights belong to their cell', () => {
  const stranger = new Dense({ units: 4 })
  stranger.build([null, 4])
  class Borrows extends RNNCell {
    constructor(readonly how: 'hidden' | 'tracked' | 'map') {
      super()
      this.stateSize = 4
      if (how === 'tracked') this.track(stranger)
      if (how === 'map') Object.assign(this, { layers: new Map([['dense', [stranger]]]) })
    }
    override call(x: Tensor) {
      const y = stranger.apply(x)
      return [y, [y]]
    }
  }
  const error = fails(
    () => scope(() => new RNN({ cell: new Borrows('hidden') }).apply(x)),
    TraceError,
    /borrows uses variable kernel.*this\.track\(layer\)/,
  )
  assert.is(error.layer, 'borrows')
  for (const how of ['tracked', 'map'] as const) {
    const layer = new RNN({ cell: new Borrows(how) })
    scope(() => layer.apply(x))
    assert.equal(
      layer.weights.map(({ name }) => name),
      ['kernel', 'bias'],
    )
  }
  // what a plain object reads is a constant, like any tensor
  scope(() => {
    const layer = new RNN({ cell: { stateSize: 4, call: (x: Tensor) => [stranger.apply(x), [x]] } })
    layer.apply(x)
    assert.is(layer.weights.length, 0)
  })
  stranger.dispose()
})

test('weights are made while a cell is built', () => {
  class Late extends RNNCell {
    constructor() {
      super()
      this.stateSize = 4
    }
    override call(x: Tensor) {
      const y = ops.dot(x, this.addWeight({ shape: [4, 4] }))
      return [y, [y]]
    }
  }
  fails(
    () => new RNN({ cell: new Late() }).apply(x),
    StateError,
    /late: addWeight\("weight_0"\) outside build/,
  )
})

test('layers inside a cell may be built when they are first used', () => {
  class Deep extends RNNCell {
    inner = { dense: new Dense({ units: 4 }) }
    cells = [new LSTMCell({ units: 4 })]
    constructor() {
      super()
      this.stateSize = [4, 4]
    }
    override build() {
      this.cells[0]!.build([null, 4])
    }
    override call(x: Tensor, states: Tensor[]) {
      return this.cells[0]!.call(this.inner.dense.apply(x), states)
    }
  }
  using layer = new RNN({ cell: new Deep() })
  scope(() => assert.equal((layer.apply(x) as Tensor).shape, [2, 4]))
  assert.equal(
    layer.weights.map(({ shape }) => shape.join()),
    ['4,4', '4', '4,16', '4,16', '16'],
  )
})

test('a symbolic tensor of the model around a cell is to be given as a constant', () => {
  const context = Input({ shape: [4] })
  const pattern = /^cell reads tensor float32 \[null, 4\] of the model around it: .*constants: \[tensor\]/
  for (const read of [
    (x: Tensor) => ops.add(x, context as unknown as Tensor),
    () => ops.tanh(context as unknown as Tensor),
    () => context as unknown as Tensor,
  ]) {
    const call = (x: Tensor) => {
      const y = read(x)
      return [y, [y]]
    }
    const layer = new RNN({ cell: { stateSize: 4, call } })
    fails(() => layer.apply(Input({ shape: [null, 4] })), TraceError, pattern)
  }
})

test('layers inside steps inside steps: as deep as the engine goes, and no deeper', () => {
  const nested = (depth: number): RNN => {
    const inner = depth > 1 ? nested(depth - 1) : undefined
    const call = (x: Tensor, [h]: [Tensor]) => {
      const y = ops.add(inner ? (inner.apply(ops.expandDims(x, 1)) as Tensor) : x, h)
      return [y, [y]]
    }
    return new RNN({ cell: { stateSize: 4, call } })
  }
  scope(() => assert.equal((nested(8).apply(x) as Tensor).shape, [2, 4]))
  fails(() => nested(9).apply(x), UnsupportedError, /sequences can be inside one another 8 deep, not deeper/)
})

test('an index out of range names the op of the step', () => {
  const take = step(x => [
    x,
    [ops.add(x, ops.take([1, 2], ops.cast(ops.add(ops.multiply(x, 0), 9), 'int32')))],
  ])
  fails(() => scope(take), ArgumentError, /^rnn.*: take: index 9 is not in 0 … 1/)
})

test('only variables of its own are assigned in a step', () => {
  fails(
    step((x, [h]) => {
      x as unknown
      ;(h as unknown as { trace: { assign(...args: unknown[]): void } }).trace.assign(h, x)
      return [x, [x]]
    }),
    TraceError,
    /cell: only variables can be assigned in a step/,
  )
  using layer = new RNN({ cell: new CountingCell() })
  layer.build([null, null, 4])
  const { count } = layer.cell as CountingCell
  class Foreign extends RNNCell {
    constructor() {
      super()
      this.stateSize = 4
    }
    override call(x: Tensor) {
      count.assign(ops.sum(x))
      return [x, [x]]
    }
  }
  fails(() => new RNN({ cell: new Foreign() }).apply(x), TraceError, /foreign uses variable count/)
  assert.is(count.item(), 0)
})

test('what is no cell is refused', () => {
  const call = (x: Tensor) => [x, [x]]
  for (const cell of [4, null, {}, { call }, { stateSize: 4 }, [], [4]])
    fails(() => new RNN({ cell: cell as never }), ArgumentError, /"call" and "stateSize"|at least one cell/)
  for (const stateSize of [0, -1, 1.5, 'four', [4, null], [[4], 'x'], { h: undefined }])
    fails(
      () => new RNN({ cell: { call, stateSize } as never }),
      ArgumentError,
      /stateSize must be a number, shape/,
    )
  for (const outputSize of [-1, 1.5, 'four', [4, -1], [shape(3), 'x'], { y: undefined }])
    fails(
      () => new RNN({ cell: { call, stateSize: 4, outputSize } as never }),
      ArgumentError,
      /outputSize must be a number, shape/,
    )
})

test('states that a cell starts from are checked', () => {
  const starts = (getInitialState: (options: { batchSize: number }) => unknown, stateSize: unknown = 4) =>
    step(x => [x, [x]], { getInitialState, stateSize })
  fails(
    starts(() => 3),
    CellError,
    /getInitialState must return \[\[null, 4\]\], not 3/,
  )
  fails(
    starts(() => ops.zeros([1, 4])),
    CellError,
    /getInitialState must return \[null, 4\], not tensor float32 \[1, 4\]/,
  )
  fails(
    starts(({ batchSize }) => ops.zeros([batchSize, 5])),
    CellError,
    /must return \[null, 4\], not tensor float32 \[null, 5\]/,
  )
  fails(
    step(x => [x, [x]], { stateSize: shape(null) }),
    CellError,
    /states of the shape \[null\] need getInitialState/,
  )
})

test('constants', () => {
  const layer = new RNN({ cell: { stateSize: 4, call: (x: Tensor) => [x, [x]] } })
  const error = fails(() => layer.apply(x, { constants: [[1]] }), ArgumentError, /does not use constants/)
  assert.is(error.argument, 'constants')
  class MyCell extends MinimalRNNCell {}
  fails(
    () => new RNN({ cell: new MyCell(3) }).apply(x, { constants: [[1]] }),
    ArgumentError,
    /rnn: my_cell does not use constants/,
  )
  fails(() => layer.apply(x, { constants: 'three' as never }), ArgumentError, /constants must be a list/)
  scope(() => {
    const tensors = [ops.zeros([2, 3, 4]), ops.zeros([2, 4]), ops.zeros([2, 4])]
    fails(
      () => new RNN({ cell: layer.cell, numConstants: 1 }).apply(tensors, { constants: [tensors[1]!] }),
      ArgumentError,
      /in the list and as constants/,
    )
    fails(
      () => new RNN({ cell: layer.cell, numConstants: -1 }),
      ArgumentError,
      /numConstants must be an integer/,
    )
  })
})

test('unroll needs to know the number of steps, and does not stream', () => {
  const layer = new RNN({ cell: new MinimalRNNCell(3), unroll: true, returnSequences: true })
  fails(() => layer.apply(Input({ shape: [null, 4] })), ShapeError, /known number of steps/)
  using model = new Sequential([layer], {})
  model.build([null, 3, 4])
  fails(() => model.stream(), UnsupportedError, /cannot stream with unroll/)
})

test('plain objects and functions have no config', () => {
  const cell = { stateSize: 4, call: (x: Tensor) => [x, [x]] }
  fails(() => serialize(new RNN({ cell })), UnsupportedError, /plain object has no config/)
  fails(
    () => serialize(new LSTMCell({ units: 3, activation: ops.tanh })),
    UnsupportedError,
    /function has no config/,
  )
})

test.run()
