import { inspect } from 'node:util'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scope } from '../../ts/engine/handle.js'
import {
  ArgumentError,
  DisposedError,
  MemoryError,
  ShapeError,
  TraceError,
  UnsupportedError,
} from '../../ts/errors.js'
import * as ops from '../../ts/ops/index.js'
import { NdArray } from '../../ts/tensor/ndarray.js'
import { SymbolicTensor, tensor, Variable } from '../../ts/tensor/tensor.js'
import { balanced, fails } from '../engine/support.js'

test('what goes in comes out', () => {
  balanced(() =>
    scope(() => {
      const a = tensor([
        [1, 2, 3],
        [4, 5, 6],
      ])
      assert.equal([a.shape, a.rank, a.dtype], [[2, 3], 2, 'float32'])
      assert.equal(a.data(), Float32Array.of(1, 2, 3, 4, 5, 6))
      assert.equal(tensor([[true], [false]]).array(), [[true], [false]])
      assert.equal(tensor(Int32Array.of(-1, 2)).data<Int32Array>(), Int32Array.of(-1, 2))
      assert.equal(tensor(new Float32Array(6), [null, 2]).shape, [3, 2])
      assert.equal(tensor(a).array(), a.array())
      assert.is(tensor(2.5).item(), 2.5)
      assert.equal(tensor([]).array(), [])
      const copy = a.read()
      a.dispose()
      assert.equal(copy.array(), [
        [1, 2, 3],
        [4, 5, 6],
      ])
    }),
  )
})

test('data() is a copy', () => {
  using a = tensor([1, 2])
  a.data()[0] = 9
  assert.equal(a.array(), [1, 2])
})

test('several unknown sizes, or too many elements for item(), are refused', () => {
  fails(
    () => tensor(new Float32Array(4), [null, null]),
    ShapeError,
    /known but for one size, not \[null, null\]/,
  )
  using a = tensor([1, 2])
  fails(() => a.item(), ArgumentError, /one element.*\[2\]/)
})

test('tensors are no numbers', () => {
  using a = tensor([1])
  fails(() => (a as unknown as number) + 1, ArgumentError, /ops\.add/)
  assert.is(`${a}`, 'tensor float32 [1]')
  const symbolic = new SymbolicTensor([null, 3], 'float32')
  for (const read of [
    () => symbolic.data(),
    () => symbolic.array(),
    () => symbolic.item(),
    () => +symbolic,
  ]) {
    fails(read, TraceError, /ops\.where\(condition, a, b\)$/)
  }
  assert.is(`${symbolic}`, 'tensor float32 [null, 3]')
})

test('NdArrays check their shape', () => {
  assert.equal(new NdArray(Uint8Array.of(1, 0), [1, 2]).array(), [[true, false]])
  assert.is(new NdArray(Int32Array.of(7), []).item(), 7)
  fails(() => new NdArray(new Float32Array(3), [2]), ShapeError, /data must be 2 numbers, not 3/)
  fails(() => new NdArray(new Float32Array(3), [-3]), ShapeError, /sizes/)
})

test('an NdArray refuses what is no array of the engine, and shapes that are none', () => {
  for (const data of [[1, 2], new Float64Array(2), new Int8Array(2), null, 2]) {
    const error = fails(
      () => new NdArray(data as never, [2]),
      ArgumentError,
      /data must be a Float32Array, Int32Array or Uint8Array, not/,
    )
    assert.equal([error.argument, error.actual], ['data', data])
  }
  fails(
    () => new NdArray(new Float32Array(2), { shape: [2] } as never),
    ArgumentError,
    /an array, not { shape }/,
  )
})

test('consoles and JSON show the numbers', () => {
  const array = new NdArray(Float32Array.of(1, 2, 3, 4), [2, 2])
  assert.is(inspect(array), 'NdArray float32 [2, 2] [ [ 1, 2 ], [ 3, 4 ] ]')
  assert.is(inspect({ array }), '{ array: NdArray float32 [2, 2] [ [ 1, 2 ], [ 3, 4 ] ] }')
  assert.is(JSON.stringify({ array }), '{"array":[[1,2],[3,4]]}')
  assert.match(inspect(new NdArray(new Int32Array(2000), [2000])), /^NdArray int32 \[2000\] \[.*1900 more/s)
  const a = tensor([true, false])
  assert.is(inspect(a), 'tensor bool [2] [ true, false ]')
  a.dispose()
  assert.is(inspect(a), 'tensor bool [2]')
  assert.is(inspect(new SymbolicTensor([null, 2], 'float32')), 'tensor float32 [null, 2]')
  const v = new Variable({ name: 'v', shape: [1], initializer: () => [3] })
  assert.is(inspect(v), 'variable v [1]')
  assert.not(v.initialized)
  assert.equal([v.item(), inspect(v)], [3, 'variable v [1] [ 3 ]'])
  v.dispose()
})

test('tensor() says what goes where', () => {
  const wrong =
    (...args: unknown[]) =>
    () =>
      (tensor as (...args: unknown[]) => unknown)([1, 2], ...args)
  const call = /^tensor\(data, shape, dtype\): shape must be an array, not /
  const error = fails(wrong({ dtype: 'int32' }), ArgumentError, call)
  assert.match(error.message, /not { dtype }$/)
  assert.equal([error.argument, error.expected], ['shape', 'an array'])
  fails(wrong('int32'), ArgumentError, call)
  fails(wrong(2), ArgumentError, call)
  fails(wrong([2], { dtype: 'int32' }), UnsupportedError, /dtype { dtype } is not supported/)
  const bad = fails(() => tensor([1, 'a'] as never), ArgumentError, /: data\[1\] must be a number, not "a"$/)
  assert.is(bad.argument, 'data[1]')
})

test('sizes that the engine cannot count are refused', () => {
  const name = 'kernel'
  const huge = () => new Variable({ name, shape: [2, 4e9] })
  fails(huge, ShapeError, /kernel: shape must be of known sizes up to 2147483647, not \[2, 4000000000\]/)
  fails(() => tensor([], [4e9, null]), ShapeError, /no shape/)
  fails(
    () => new Variable({ name, shape: [2 ** 31 - 1, 2] }),
    MemoryError,
    /kernel: no memory for more than can be addressed/,
  )
})

test('variables draw their first values when they are needed, once', () => {
  balanced(() => {
    let drawn = 0
    const v = new Variable({
      name: 'kernel',
      shape: [2, 2],
      initializer: () => {
        drawn++
        return ops.multiply(ops.ones([2, 2]), 3)
      },
    })
    assert.is(drawn, 0)
    assert.not(v.initialized)
    assert.equal(v.read().array(), [
      [3, 3],
      [3, 3],
    ])
    assert.ok(v.initialized)
    scope(() => assert.is(ops.sum(v).item(), 12))
    assert.is(drawn, 1)
    v.dispose()
    fails(() => v.read(), DisposedError, /variable kernel \[2, 2\]/)
  })
})

test('an op draws the pending values of the variables it reads', () => {
  scope(() => {
    const v = new Variable({ name: 'v', shape: [2], initializer: () => [4, 5] })
    assert.equal(ops.add(v, 1).array(), [5, 6])
    v.dispose()
  })
})

test('assign takes bare numbers, wins over the initializer and checks shapes', () => {
  const v = new Variable({ name: 'w', shape: [2, 2], initializer: () => assert.unreachable() as never })
  v.assign([1, 2, 3, 4])
  assert.equal(v.array(), [
    [1, 2],
    [3, 4],
  ])
  assert.equal(v.assign(new NdArray(Float32Array.of(4, 3, 2, 1), [2, 2])).data(), Float32Array.of(4, 3, 2, 1))
  fails(() => v.assign([[1, 2]]), ShapeError, /^w.*\[2, 2\], not \[1, 2\]/)
  fails(() => v.assign([1, 2, 3]), ShapeError, /^w: 3 numbers/)
  // the packed form of the weight is made anew
  scope(() => {
    const x = tensor([[1, 1]])
    assert.equal(ops.matmul(x, v).array(), [[6, 4]])
    v.assign([1, 0, 0, 1])
    assert.equal(ops.matmul(x, v).array(), [[1, 1]])
  })
  v.dispose()
})

test('an initializer that fails leaves the variable pending', () => {
  let bad = true
  const v = new Variable({ name: 'v', shape: [1], initializer: () => (bad ? [1, 2] : [3]) })
  fails(() => v.data(), ShapeError, /^v/)
  bad = false
  assert.is(v.item(), 3)
  v.dispose()
})

test.run()
