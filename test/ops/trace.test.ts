import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createEngine, currentEngine } from '../../ts/engine/engine.js'
import { scope } from '../../ts/engine/handle.js'
import { ArgumentError, inLayer, ShapeError, TraceError } from '../../ts/errors.js'
import * as ops from '../../ts/ops/index.js'
import { sizeAlong, Trace, TracedTensor } from '../../ts/ops/trace.js'
import { SymbolicTensor, tensor, Variable } from '../../ts/tensor/tensor.js'
import { balanced, fails } from '../engine/support.js'

const infer = <T>(fn: (trace: Trace) => T): T => balanced(() => Trace.infer(fn))

test('shapes have null where a size is not known', () => {
  infer(trace => {
    const x = trace.input([null, null, 4], 'float32')
    assert.equal(ops.sum(x, 1).shape, [null, 4])
    assert.equal(ops.reshape(x, [-1, 4]).shape, [null, 4])
    assert.equal(ops.reshape(x, [null, null, 2, 2]).shape, [null, null, 2, 2])
    assert.equal(ops.expandDims(x, 0).shape, [1, null, null, 4])
    assert.equal(ops.zerosLike(x).shape, [null, null, 4])
    assert.equal(ops.concatenate([x, x], 1).shape, [null, null, 4])
    assert.equal(ops.matmul(x, ops.zeros([4, 2])).shape, [null, null, 2])
    assert.equal(ops.slice(x, [0, 1], [null, 2]).shape, [null, 2, 4])
    fails(
      () => ops.matmul(x, ops.zeros([3, 2])),
      ShapeError,
      /axis 2 of a \[null, null, 4\] must be 3, not 4/,
    )
  })
})

test('sizes that are not known go into ops as they are', () => {
  infer(trace => {
    const x = trace.input([null, 4], 'float32')
    const batch = sizeAlong(x, 0)
    assert.equal(ops.zeros([batch, 8]).shape, [null, 8])
    assert.equal(ops.broadcastTo(ops.zeros([8]), [batch, 8]).shape, [null, 8])
    assert.equal(ops.reshape(x, [batch, 2, 2]).shape, [null, 2, 2])
    assert.is(sizeAlong(x, -1), 4)
    assert.equal(ops.reshape(ops.zeros([4]), [batch, 4]).shape, [null, 4])
    const other = sizeAlong(trace.input([null, 2], 'float32'), 0)
    fails(() => ops.reshape(ops.zeros([4]), [batch, other]), TraceError, /sizes of one other tensor/)
    fails(() => (batch as number) * 2, TraceError, /not known.*ops\.zeros/)
  })
})

test('values cannot be read', () => {
  infer(trace => {
    const x = trace.input([2], 'float32')
    fails(() => x.data(), TraceError, /data\(\) needs values/)
    fails(() => (x as unknown as number) + 1, TraceError, /arithmetic/)
    const error = fails(() => inLayer('my_cell', () => x.item()), TraceError, /^my_cell: .*ops\.where/)
    assert.is(error.layer, 'my_cell')
  })
})

test('tensors of another trace are refused', () => {
  const old = infer(trace => trace.input([2], 'float32'))
  infer(() => fails(() => ops.add(old, 1), TraceError, /another trace/))
  fails(() => ops.add(old, 1), TraceError, /^a tensor .*kept from an earlier call\. States/)
  infer(outer => {
    const x = outer.input([2], 'float32')
    Trace.infer(inner => {
      const y = inner.input([2], 'float32')
      fails(() => ops.add(y, x), TraceError, /another trace/)
    })
  })
})

test('what is captured once is one value, and must be of the same engine', () => {
  const weight = new Variable({ name: 'w', shape: [2] })
  const engine = createEngine()
  const other = engine.use(() => tensor([1, 2]))
  infer(trace => {
    assert.is(trace.capture(weight), trace.capture(weight))
    fails(() => trace.capture(other), ArgumentError, /another engine/)
  })
  engine.dispose()
  weight.dispose()
})

test('constants made while tracing belong to the trace, what is made outside does not', () => {
  balanced(() => {
    const kept = Trace.infer(() => {
      ops.add([1, 2, 3], tensor([1, 2, 3]))
      return Trace.outside(() => {
        assert.is(Trace.current(), undefined)
        return ops.add(1, 1)
      })
    })
    assert.is(kept.item(), 2)
    kept.dispose()
  })
})

test('a trace that fails leaves nothing behind', () => {
  balanced(() => {
    fails(
      () =>
        Trace.program(currentEngine(), 'predict', trace => [
          ops.matmul(trace.input([null, 2], 'float32'), [[1], [2], [3]]),
        ]),
      ShapeError,
      /matmul/,
    )
    assert.is(Trace.current(), undefined)
  })
})

test('masks ride on traced tensors', () => {
  infer(trace => {
    const x = trace.input([null, null, 2], 'float32')
    const mask = trace.input([null, null], 'bool')
    const masked = x.withMask(mask)
    assert.is(masked.mask, mask)
    assert.is(masked.id, x.id)
    assert.is(x.mask, undefined)
    assert.instance(masked.withMask(undefined), TracedTensor)
  })
})

test('row states are one for each owner and name, and must be assigned', () => {
  balanced(() => {
    const [a, b] = [{}, {}]
    const trace = (assign: boolean) =>
      Trace.program(currentEngine(), 'stream', trace => {
        const x = trace.input([null, 2], 'float32')
        const sum = trace.rowState(a, 'sum', [2])
        assert.is(trace.rowState(a, 'sum', [2]), sum)
        assert.is.not(trace.rowState(b, 'sum', [2]), sum)
        const next = ops.add(sum, x)
        trace.assign(sum, next)
        if (assign) trace.assign(trace.rowState(b, 'sum', [2]), next)
        fails(
          () => trace.assign(next as TracedTensor, x),
          TraceError,
          /only inputs, row states and variables/,
        )
        return [next]
      })
    fails(() => trace(false), TraceError, /row state sum is never assigned/)
    const program = trace(true)
    assert.equal(
      program.states.map(({ owner, name, shape, input }) => [owner === a, name, shape, input]),
      [
        [true, 'sum', [2], 1],
        [false, 'sum', [2], 2],
      ],
    )
    program.dispose()
  })
})

test('symbolic tensors of a model do not belong into a trace', () => {
  infer(trace => {
    fails(
      () => trace.emit(0, [new SymbolicTensor([1], 'float32')], []),
      TraceError,
      /symbolic tensor of a model/,
    )
  })
})

test('scopes work inside a trace', () => {
  infer(() => {
    const y = scope(() => ops.add(tensor([1]), 1))
    assert.instance(y, TracedTensor)
  })
})

test.run()
