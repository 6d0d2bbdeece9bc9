/** Cells that are objects: what they may have, and what is refused instead of ignored. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  ArgumentError,
  type Cell,
  GRU,
  ops,
  RNN,
  rnnCellsStack,
  scope,
  type Tensor,
} from '../../ts/entry/api.js'
import { fails } from '../engine/support.js'

const call = (x: Tensor, [h]: Tensor[]) => [ops.add(x, h!), [x]]
const getInitialState = ({ batchSize }: { batchSize: number }) => ops.zeros([batchSize, 2])
const inputs = [
  [
    [1, 2],
    [3, 4],
  ],
] // one sequence

test('an object has what is read, and nothing else', () => {
  const whole = { call, stateSize: 2, outputSize: 2, getInitialState }
  scope(() => assert.equal(new RNN({ cell: whole }).apply(inputs).array(), [[4, 6]]))
  for (const [rest, text] of [
    [{ outputsize: 7 }, 'cell has no property "outputsize" (did you mean "outputSize"?)'],
    [
      { get_initial_state: call },
      'cell has no property "get_initial_state" (did you mean "getInitialState"?)',
    ],
    [{ rows: 3 }, 'cell has no property "rows"'],
    ...['build', 'addWeight', 'getConfig'].map(
      name =>
        [
          { [name]: call },
          `cell has ${name}, but a cell with weights is a class that extends RNNCell`,
        ] as const,
    ),
  ] as const) {
    for (const cell of [{ ...whole, ...rest }, Object.assign(Object.create(null), { ...whole, ...rest })]) {
      for (const [make, who] of [
        [() => new RNN({ cell }), 'RNN'],
        [() => new RNN({ cell: [whole, cell] }), 'RNN'],
        [() => rnnCellsStack(cell), 'StackedRNNCells'],
      ] as const) {
        const error = fails(make, ArgumentError, /cell/)
        assert.is(error.message, `${who}: ${text}`)
        assert.is(error.argument, 'cell')
      }
    }
  }
})

test('an object of a class may have anything of its own, but no build', () => {
  class Scaled implements Cell {
    readonly stateSize = 2
    constructor(readonly scale: number) {}
    getConfig() {
      return { scale: this.scale }
    }
    call(x: Tensor, [h]: Tensor[]) {
      return call(ops.multiply(x, this.scale), [h!])
    }
  }
  const cell = new Scaled(2) as Cell
  scope(() => assert.equal((new RNN({ cell }).apply(inputs) as Tensor).array(), [[8, 12]]))
  class Built extends Scaled {
    build() {}
  }
  const built = new Built(2) as Cell
  fails(
    () => new RNN({ cell: built }),
    ArgumentError,
    /cell has build, but a cell with weights is a class that/,
  )
})

test('constants that a cell does not use: it has the name of all other messages', () => {
  const options = { constants: [[1]] }
  const cell = { call, stateSize: 2 }
  const text = /^rnn: cell does not use constants$/
  fails(() => new RNN({ cell }).apply(inputs, options), ArgumentError, text)
  fails(() => new RNN({ cell: [cell, cell] }).apply(inputs, options), ArgumentError, text)
  fails(
    () => new GRU({ units: 2 }).apply(inputs, options),
    ArgumentError,
    /^gru: gru_cell does not use constants$/,
  )
})

test.run()
