import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createEngine, currentEngine } from '../../ts/engine/engine.js'
import { scope } from '../../ts/engine/handle.js'
import { ArgumentError, DisposedError, inLayer, ShapeError, StateError, TraceError } from '../../ts/errors.js'
import * as ops from '../../ts/ops/index.js'
import { type Program, Trace } from '../../ts/ops/trace.js'
import { SymbolicTensor, tensor, Variable } from '../../ts/tensor/tensor.js'
import { balanced, collectGarbage, fails } from '../engine/support.js'

const program = (fn: (trace: Trace) => readonly SymbolicTensor[]): Program =>
  Trace.program(currentEngine(), 'predict', fn)

test('one program serves every size that was left unknown', () => {
  balanced(() =>
    scope(() => {
      let traced = 0
      const p = program(trace => {
        traced++
        const x = trace.input([null, 3], 'float32')
        return [ops.sum(x, 1), ops.multiply(x, 2)]
      })
      for (const rows of [1, 4, 2, 4, 0]) {
        const plan = p.bind([[rows, 3]])
        assert.equal(plan.outputTypes, [
          { dtype: 'float32', shape: [rows] },
          { dtype: 'float32', shape: [rows, 3] },
        ])
        const call = plan.call([ops.ones([rows, 3])])
        call.run()
        assert.equal(call.outputs[0]!.data(), new Float32Array(rows).fill(3))
        assert.equal(call.outputs[1]!.data(), new Float32Array(3 * rows).fill(2))
        call.dispose()
      }
      assert.is(traced, 1)
      p.dispose()
    }),
  )
})

test('axes with the same symbol have the same size', () => {
  balanced(() => {
    const p = program(trace => {
      const time = trace.symbol()
      const x = trace.input([null, null], 'float32', [0, time])
      const y = trace.input([null, null], 'float32', [0, time])
      return [ops.add(x, y)]
    })
    assert.equal(
      p.bind([
        [2, 3],
        [2, 3],
      ]).outputTypes[0]!.shape,
      [2, 3],
    )
    fails(
      () =>
        p.bind([
          [2, 3],
          [2, 4],
        ]),
      ShapeError,
      /must be 3, not 4/,
    )
    p.dispose()
  })
})

test('a slice of an unknown axis has the size that was asked for, or fails', () => {
  balanced(() => {
    const p = program(trace => [ops.slice(trace.input([null, null], 'int32'), [0, 1], [null, 3], [1, 2])])
    assert.equal(p.bind([[2, 4]]).outputTypes[0]!.shape, [2, 2])
    fails(() => p.bind([[2, 2]]), ShapeError, /slice: .* has 2 elements, the new shape 4/)
    p.dispose()
  })
})

test('inputs are checked at bind and at call', () => {
  balanced(() =>
    scope(() => {
      const p = program(trace => [ops.add(trace.input([null, 3], 'float32'), 1)])
      fails(() => p.bind([[2, 4]]), ShapeError, /axis 1 of input 1 must be 3, not 4/)
      fails(() => p.bind([[2]]), ShapeError, /2 axes, not 1/)
      fails(() => p.bind([]), ArgumentError, /1 inputs are needed, not 0/)
      const plan = p.bind([[2, 3]])
      fails(() => plan.call([ops.ones([3, 3])]), ShapeError, /axis 0 of input 1 must be 2, not 3/)
      fails(() => plan.call([ops.ones([2, 3], 'int32')]), ArgumentError, /float32, not int32/)
      fails(() => plan.call([]), ArgumentError, /1 inputs/)
      const x = ops.ones([2, 3])
      fails(() => plan.call([x], [x]), StateError, /also read/)
      const gone = ops.ones([2, 3])
      gone.dispose()
      fails(() => plan.call([gone]), DisposedError, /float32 \[2, 3\]/)
      const engine = createEngine()
      const other = engine.use(() => ops.ones([2, 3]))
      fails(() => plan.call([other]), ArgumentError, /another engine/)
      engine.dispose()
      p.dispose()
      fails(() => p.bind([[2, 3]]), DisposedError, /program/)
    }),
  )
})

test('outputs can be given', () => {
  balanced(() =>
    scope(() => {
      const p = program(trace => [ops.add(trace.input([2], 'float32'), 1)])
      const [x, y] = [tensor([1, 2]), tensor([0, 0])]
      const call = p.bind([[2]]).call([x], [y])
      assert.is(call.outputs[0], y)
      call.run()
      assert.equal(y.array(), [2, 3])
      x.write(Float32Array.of(5, 6))
      call.run()
      assert.equal(y.array(), [6, 7])
      call.dispose()
      assert.not(y.disposed)
      fails(() => call.run(), DisposedError, /call/)
      p.dispose()
    }),
  )
})

test('variables keep their values between runs, are listed, and are drawn before the first', () => {
  balanced(() => {
    const w = new Variable({ name: 'w', shape: [2], initializer: () => [1, 2] })
    const p = program(trace => [ops.multiply(trace.input([2], 'float32'), w)])
    assert.equal(p.variables, [w])
    assert.not(w.initialized)
    const call = scope(() => p.bind([[2]]).call([tensor([10, 10])]))
    scope(() => {
      const x = tensor([10, 10])
      const fresh = p.bind([[2]]).call([x])
      fresh.run()
      assert.equal(fresh.outputs[0]!.array(), [10, 20])
      w.assign([3, 4])
      fresh.run()
      assert.equal(fresh.outputs[0]!.array(), [30, 40])
      w.dispose()
      fails(() => fresh.run(), DisposedError, /variable w/)
      fails(() => p.bind([[2]]).call([x]), DisposedError, /variable w/)
      fresh.dispose()
    })
    fails(() => call.run(), DisposedError, /tensor float32 \[2\]/)
    for (const output of call.outputs) output.dispose()
    call.dispose()
    p.dispose()
  })
})

test('assigned values are there in the next run; a run that fails assigns nothing', () => {
  balanced(() =>
    scope(() => {
      const p = Trace.program(currentEngine(), 'stream', trace => {
        const ids = trace.input([null], 'int32')
        const sum = trace.rowState({}, 'sum', [])
        const next = ops.add(sum, ops.take([1, 10, 100], ids))
        trace.assign(sum, next)
        return [next]
      })
      const ids = tensor(Int32Array.of(0, 2))
      const state = tensor([0, 0])
      const call = p.bind([[2], [2]]).call([ids, state])
      call.run()
      call.run()
      assert.equal(state.array(), [2, 200])
      ids.write(Int32Array.of(1, 3))
      const error = fails(
        () => inLayer('unrelated', () => call.run()),
        ArgumentError,
        /take: index 3 is not in 0 … 2/,
      )
      assert.is(error.actual, 3)
      assert.equal(state.array(), [2, 200])
      call.dispose()
      p.dispose()
    }),
  )
})

test('errors of a bind or call name the inputs', () => {
  balanced(() =>
    scope(() => {
      const p = program(trace => {
        const x = trace.input([null, 1])
        return [ops.add(x, trace.input([null, 1], 'float32', [0], 'initialState 0'))]
      })
      const shapes = () =>
        p.bind([
          [1, 1],
          [2, 1],
        ])
      const error = fails(shapes, ShapeError, /^axis 0 of initialState 0 must be 1, not 2$/)
      assert.is(error.argument, 'initialState')
      const plan = p.bind([
        [1, 1],
        [1, 1],
      ])
      const one = ops.ones([1, 1])
      fails(() => plan.call([ops.ones([2, 1]), one]), ShapeError, /^axis 0 of input 1 must be 1, not 2$/)
      fails(
        () => plan.call([one, ops.ones([2, 1])]),
        ShapeError,
        /^axis 0 of initialState 0 must be 1, not 2$/,
      )
      p.dispose()
    }),
  )
})

test('an error in a run names the layer that made the op', () => {
  balanced(() =>
    scope(() => {
      const p = program(trace => {
        const ids = trace.input([null], 'int32')
        return [inLayer('embedding_3', () => ops.take([1, 2], ids))]
      })
      const call = p.bind([[1]]).call([tensor(Int32Array.of(9))])
      const error = fails(() => call.run(), ArgumentError, /^embedding_3: take: index 9 is not in 0 … 1/)
      assert.is(error.layer, 'embedding_3')
      call.dispose()
      p.dispose()
    }),
  )
})

test('10⁵ runs allocate nothing', () => {
  scope(() => {
    const w = tensor(new Float32Array(64 * 64).fill(0.01), [64, 64])
    const p = program(trace => [ops.tanh(ops.matmul(trace.input([1, 64], 'float32'), w))])
    const call = p.bind([[1, 64]]).call([ops.ones([1, 64])])
    const { raw } = currentEngine()
    const many = () => {
      for (let i = 0; i < 100_000; i++) call.run()
    }
    many()
    const memory = raw.memory.buffer.byteLength
    // what else this process does may allocate meanwhile, the runs would each time
    const growth = Array.from({ length: 12 }, () => {
      collectGarbage()
      const before = process.memoryUsage().heapUsed
      many()
      return process.memoryUsage().heapUsed - before
    })
    assert.is(raw.memory.buffer.byteLength, memory)
    assert.ok(Math.min(...growth) < 65_536, `${growth} bytes of heap`)
    call.dispose()
    p.dispose()
  })
})

test('variables are assigned after the run, all at once', () => {
  const [a, b] = ['a', 'b'].map(
    (name, i) => new Variable({ name, shape: [2], initializer: () => [1 + i, 2 + i] }),
  ) as [Variable, Variable]
  const p = program(trace => {
    const x = trace.input([2])
    a.assign(x)
    a.assign(b)
    b.assign([5, 6]).assign(ops.add(a, x))
    fails(() => a.assign([1, 2, 3]), ShapeError, /a/)
    fails(() => a.assign(ops.zeros([3])), ShapeError, /a: value must be of shape \[2\], not tensor/)
    fails(() => a.assign(ops.zeros([2], 'int32')), ArgumentError, /a: value must be float32/)
    return [ops.add(a, 0)]
  })
  const x = tensor([10, 20])
  const call = p.bind([[2]]).call([x])
  call.run()
  assert.equal(call.outputs[0]!.array(), [1, 2], 'read as it was before')
  assert.equal(
    [a.array(), b.array()],
    [
      [2, 3],
      [11, 22],
    ],
  )
  call.run()
  assert.equal(
    [a.array(), b.array()],
    [
      [11, 22],
      [12, 23],
    ],
  )
  fails(() => a.assign(new SymbolicTensor([2], 'float32')), TraceError, /needs values/)
  a.assign(b)
  assert.equal(a.array(), [12, 23])
  for (const each of [call.outputs[0]!, call, p, a, b, x]) each.dispose()
})

test.run()
