import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { currentEngine } from '../../ts/engine/engine.js'
import { scope } from '../../ts/engine/handle.js'
import { ArgumentError, inLayer, ShapeError } from '../../ts/errors.js'
import * as ops from '../../ts/ops/index.js'
import { setFunctionalHandler } from '../../ts/ops/operation.js'
import { Trace, TracedTensor } from '../../ts/ops/trace.js'
import { SymbolicTensor, Tensor, tensor } from '../../ts/tensor/tensor.js'
import { balanced, fails } from '../engine/support.js'

test('data give data, and leave nothing behind', () => {
  balanced(() => {
    const y = ops.add(1, 2)
    assert.instance(y, Tensor)
    assert.is(y.item(), 3)
    y.dispose()
    scope(() => ops.softmax(ops.stack([1, 2]), 0).dispose())
    fails(() => ops.matmul([[1, 2]], [[1]]), ShapeError, /matmul/)
    fails(() => ops.take([[1]], [5]), ArgumentError, /take/)
  })
})

test('traced tensors give traced ones, also next to data', () => {
  Trace.infer(trace => {
    const x = trace.input([null, 3], 'float32')
    const y = ops.add(x, tensor([1, 2, 3]))
    assert.instance(y, TracedTensor)
    assert.equal(y.shape, [null, 3])
    assert.instance(ops.add(tensor([1]), 1), TracedTensor)
  })
})

test('symbolic tensors go to the functional handler, which can trace the op again', () => {
  class Symbolic extends SymbolicTensor {}
  const seen: unknown[] = []
  const run = (
    inputs: readonly number[][],
    body: (values: readonly SymbolicTensor[]) => readonly SymbolicTensor[],
  ) => {
    const program = Trace.program(currentEngine(), 'predict', trace =>
      body(inputs.map(data => trace.input([data.length], 'float32'))),
    )
    const call = program.bind(inputs.map(data => [data.length])).call(inputs.map(data => tensor(data)))
    call.run()
    const [result] = call.outputs.map(output => output.array())
    call.dispose()
    program.dispose()
    return result
  }
  setFunctionalHandler((name, inputs, body) => {
    seen.push(name, inputs, run([[1, 2]].slice(0, inputs.length), body))
    return [new Symbolic([null], 'float32')]
  })
  const x = new Symbolic([null], 'float32')
  scope(() => {
    const factor = tensor([10, 20])
    const y: SymbolicTensor = ops.multiply(x, factor)
    assert.instance(y, Symbolic)
    assert.equal(seen, ['multiply', [x], [10, 40]])
  })
})

test('errors name the public op and the layer', () => {
  const error = fails(
    () => inLayer('encoder', () => ops.linear([[1, 2]], [[1]])),
    ShapeError,
    /^encoder: linear: axis 1 of x \[1, 2\] must be 1, not 2$/,
  )
  assert.is(error.layer, 'encoder')
})

test.run()
