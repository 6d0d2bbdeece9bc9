import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  ArgumentError,
  deserialize,
  GRUCell,
  LSTMCell,
  ops,
  RNN,
  RNNCell,
  type Shape,
  SimpleRNNCell,
  StackedRNNCells,
  StateError,
  type SymbolicTensor,
  scope,
  serialize,
  type Tensor,
  tensor,
} from '../../ts/entry/api.js'
import { balanced, fails } from '../engine/support.js'
import { matrix } from '../support/random.js'

const weights = (cell: RNNCell<unknown>) => cell.weights.map(({ name, shape }) => [name, shape])

test('weights: names and shapes', () => {
  const cases: [RNNCell<unknown>, unknown][] = [
    [
      new SimpleRNNCell({ units: 3 }),
      [
        ['kernel', [5, 3]],
        ['recurrent_kernel', [3, 3]],
        ['bias', [3]],
      ],
    ],
    [
      new LSTMCell({ units: 3 }),
      [
        ['kernel', [5, 12]],
        ['recurrent_kernel', [3, 12]],
        ['bias', [12]],
      ],
    ],
    [
      new GRUCell({ units: 3 }),
      [
        ['kernel', [5, 9]],
        ['recurrent_kernel', [3, 9]],
        ['bias', [2, 9]],
      ],
    ],
    [
      new GRUCell({ units: 3, resetAfter: false }),
      [
        ['kernel', [5, 9]],
        ['recurrent_kernel', [3, 9]],
        ['bias', [9]],
      ],
    ],
    [
      new GRUCell({ units: 3, useBias: false }),
      [
        ['kernel', [5, 9]],
        ['recurrent_kernel', [3, 9]],
      ],
    ],
  ]
  for (const [cell, expected] of cases) {
    cell.build([null, 5])
    assert.equal(weights(cell), expected)
    cell.dispose()
  }
})

test('the forget gate starts at one, unless told otherwise', () => {
  const bias = (options: object) => {
    using cell = new LSTMCell({ units: 2, ...options })
    cell.build([null, 3])
    return cell.getWeights()[2]!.array()
  }
  assert.equal(bias({}), [0, 0, 1, 1, 0, 0, 0, 0])
  assert.equal(bias({ unitForgetBias: false }), [0, 0, 0, 0, 0, 0, 0, 0])
  assert.equal(
    bias({ biasInitializer: { className: 'Constant', config: { value: 2 } } }),
    [2, 2, 1, 1, 2, 2, 2, 2],
  )
})

test('one step of a stack is one step of each', () =>
  balanced(() => {
    using first = new LSTMCell({ units: 2 })
    using second = new GRUCell({ units: 3 })
    using stack = new StackedRNNCells({ cells: [first, second] })
    assert.equal(stack.stateSize, [[2, 2], 3])
    assert.is(stack.outputSize, 3)
    stack.build([null, 4])
    scope(() => {
      const [x, h, c, g] = [
        tensor(matrix(2, 4)),
        tensor(matrix(2, 2, 3)),
        tensor(matrix(2, 2, 4)),
        tensor(matrix(2, 3, 5)),
      ]
      const [output, [[h1, c1], g1]] = stack.call(x, [[h, c], g])
      const [inner, [h2, c2]] = first.call(x, [h, c])
      const [expected, [g2]] = second.call(inner, g)
      assert.equal(
        [output, h1, c1, g1].map(t => t.array()),
        [expected, h2, c2, g2].map(t => t.array()),
      )
    })
  }))

test('a cell inside a cell: built in the build of that one, or it says that it is not', () => {
  class Outer extends RNNCell<[Tensor]> {
    override stateSize = 3
    constructor(
      readonly inner: GRUCell,
      readonly builds: boolean,
    ) {
      super()
    }
    override build(inputShape: Shape) {
      if (this.builds) this.inner.build(inputShape)
    }
    override call(inputs: Tensor, states: [Tensor]) {
      return this.inner.call(inputs, states)
    }
  }
  const x = [matrix(4, 5)]
  for (const activation of ['tanh', (value: SymbolicTensor) => ops.tanh(value)] as const) {
    const options = { units: 3, activation, kernelInitializer: 'ones', recurrentInitializer: 'ones' } as const
    const inside = (builds: boolean) => new RNN({ cell: new Outer(new GRUCell(options), builds) }).apply(x)
    scope(() => {
      assert.equal(inside(true).array(), new RNN({ cell: new GRUCell(options) }).apply(x).array())
      const error = fails(() => inside(false), StateError, /gru_cell is not built: .* in that one's build$/)
      assert.is(error.layer, 'gru_cell')
      const stack = new StackedRNNCells({ cells: [new GRUCell(options)] })
      fails(() => stack.call(tensor([[1]]), [tensor([[1, 2, 3]])]), StateError, /^gru_cell is not built/)
    })
  }
})

test('configs of cells and stacks come back', () => {
  const stack = new StackedRNNCells({
    cells: [
      new LSTMCell({ units: 2, recurrentDropout: 0.5 }),
      new GRUCell({ units: 3, name: 'top' }),
      new LSTMCell({ units: 2 }),
    ],
  })
  assert.equal(
    stack.cells.map(cell => cell.name),
    ['lstm_cell', 'top', 'lstm_cell_1'],
  )
  const config = serialize(stack)
  assert.equal(serialize(deserialize(JSON.parse(JSON.stringify(config)))), config)
  const layer = new RNN({ cell: stack, returnSequences: true })
  const written = serialize(layer)
  assert.equal(serialize(deserialize(written)), written)
  fails(() => new StackedRNNCells({ cells: [] }), ArgumentError, /at least one/)
  fails(() => new StackedRNNCells({ cells: [4 as never] }), ArgumentError, /"call" and "stateSize"/)
})

test.run()
