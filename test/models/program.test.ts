import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { currentEngine } from '../../ts/engine/engine.js'
import {
  ArgumentError,
  Dense,
  Embedding,
  GRU,
  Input,
  Layer,
  LSTM,
  Masking,
  Model,
  ops,
  RNN,
  Sequential,
  type Shape,
  ShapeError,
  type Tensor,
} from '../../ts/entry/api.js'
import { printPlan } from '../../ts/ops/print.js'
import { Trace } from '../../ts/ops/trace.js'
import { MinimalRNNCell, OpsLSTMCell } from '../cells/support.js'
import { fails } from '../engine/support.js'

/**
 * Compares with `test/models/programs/NAME.txt`, but for the bytes of working memory; with UPDATE=1 in the environment writes it.
 */
function is(name: string, printed: string): void {
  const text = printed.replaceAll(/^\d+ slots and scratch: \d+ bytes\n/gm, '')
  const file = new URL(`../../../test/models/programs/${name}.txt`, import.meta.url)
  if (process.env.UPDATE) writeFileSync(file, text)
  assert.fixture(text, readFileSync(file, 'utf8'))
}

/** An LSTM whose output is a readout of its state: no state needs it. */
class ReadoutCell extends OpsLSTMCell {
  readout!: Tensor

  override build(inputShape: Shape) {
    super.build(inputShape)
    this.readout = this.addWeight({ shape: [this.units, 3], name: 'readout' })
    this.outputSize = 3
  }

  override call(x: Tensor, states: { h: Tensor; c: Tensor }) {
    const [output, next] = super.call(x, states) as [Tensor, { h: Tensor; c: Tensor }]
    return [ops.softmax(ops.dot(output, this.readout)), next] as [Tensor, { h: Tensor; c: Tensor }]
  }
}

test('a fused layer is one op with its weights packed; its stream keeps states', () => {
  const model = new Sequential(
    [
      Input({ shape: [null, 13], name: 'audio' }),
      new GRU({ units: 32, name: 'gru' }),
      new Dense({ units: 10, activation: 'softmax', name: 'digit' }),
    ],
    { name: 'digits' },
  )
  is('digits', model.program() + model.program({ phase: 'stream' }))
  model.dispose()
})

test('the products of x run ahead of the loop', () => {
  const rnn = new RNN({ cell: new MinimalRNNCell(8), returnSequences: true, name: 'rnn' })
  const model = new Sequential([Input({ shape: [null, 5], name: 'x' }), rnn], { name: 'minimal' })
  is('minimal', model.program())
  model.dispose()
})

test('what weights alone decide is computed once, out of the step', () => {
  class ScaledCell extends MinimalRNNCell {
    override call(x: Tensor, states: Tensor[]) {
      const { kernel } = this
      this.kernel = ops.multiply(kernel, ops.rsqrt(ops.sum(ops.square(kernel), 0)))
      try {
        return super.call(x, states)
      } finally {
        this.kernel = kernel
      }
    }
  }
  const rnn = new RNN({ cell: new ScaledCell(8), name: 'rnn' })
  const model = new Sequential([Input({ shape: [null, 5], name: 'x' }), rnn], { name: 'scaled' })
  is('scaled', model.program())
  model.dispose()
})

test('what no state needs runs after the loop, backwards too', () => {
  const rnn = new RNN({ cell: new ReadoutCell(4), returnSequences: true, goBackwards: true, name: 'rnn' })
  const model = new Sequential([Input({ shape: [null, 5], name: 'x' }), rnn], { name: 'readout' })
  is('readout', model.program({ shapes: [300, 200, 5] }))
  model.dispose()
})

test('masks go to the ops that skip rows', () => {
  const ids = Input({ shape: [null], dtype: 'int32', name: 'ids' })
  const more = Input({ shape: [null, 4], name: 'more' })
  const embedded = new Embedding({ inputDim: 20, outputDim: 4, maskZero: true, name: 'words' }).apply(ids)
  const rnn = new RNN({ cell: new OpsLSTMCell(4), name: 'rnn' })
  const lstm = new LSTM({ units: 3, name: 'lstm' })
  const masking = new Masking({ maskValue: 0, name: 'masking' })
  const model = new Model({
    name: 'masked',
    inputs: { ids, more },
    outputs: [rnn.apply(embedded), lstm.apply(masking.apply(more))],
  })
  is('masked', model.program({ shapes: { ids: [2, 6], more: [2, 9, 4] } }))
  model.dispose()
})

test('the gradient of a cell written with ops adds up weights after its loop', () => {
  const rnn = new RNN({ cell: new ReadoutCell(4), returnSequences: true, name: 'rnn' })
  rnn.build([null, null, 5])
  const program = Trace.program(currentEngine(), 'train', trace => {
    const x = trace.input([null, null, 5], 'float32', [], 'x')
    const mask = trace.input([null, null], 'bool', [], 'mask')
    const loss = () => ops.sum(ops.square(rnn.apply(x, { mask }) as Tensor))
    return ops.grad(loss, { variables: rnn.trainableWeights })()
  })
  const plan = program.bind([
    [2, 8, 5],
    [2, 8],
  ])
  is('gradient', printPlan('gradient of a readout', plan))
  program.dispose()
  rnn.dispose()
})

test('numbers are made first, so that the ops between which they stand are one group', () => {
  class Curve extends Layer {
    override call(x: Tensor) {
      const y = ops.add(ops.multiply(ops.tanh(ops.subtract(x, 0.25)), 0.5), 1)
      return ops.where(ops.greater(y, 1), ops.multiply(y, 2), y)
    }
  }
  const model = new Sequential([Input({ shape: [null, 6], name: 'x' }), new Curve({ name: 'curve' })], {
    name: 'curved',
  })
  is('literals', model.program())
  model.dispose()
})

test('the gradient of a fused layer', () => {
  const gru = new GRU({ units: 4, name: 'gru' })
  gru.build([null, null, 5])
  const program = Trace.program(currentEngine(), 'train', trace => {
    const x = trace.input([null, null, 5], 'float32', [], 'x')
    const loss = () => ops.mean(ops.square(gru.apply(x) as Tensor))
    return ops.grad(loss, { variables: gru.trainableWeights })()
  })
  is('fused_gradient', printPlan('gradient of a GRU', program.bind([[2, 8, 5]])))
  program.dispose()
  gru.dispose()
})

test('wrong arguments', () => {
  const model = new Sequential([Input({ shape: [null, 3] }), new GRU({ units: 2 })], { name: 'm' })
  fails(() => model.program({ phase: 'x' as never }), ArgumentError, /m: phase must be one of .*predict/)
  fails(() => model.program({ shape: [1] } as never), ArgumentError, /no option "shape"/)
  fails(() => model.program({ shapes: 3 }), ArgumentError, /shape must be an array/)
  fails(() => model.program({ shapes: [1, -2, 3] }), ShapeError, /known sizes/)
  fails(() => model.program({ shapes: [1, 2, 4] }), ShapeError, /axis 2 .* must be 3, not 4/)
  model.dispose()
})

test.run()
