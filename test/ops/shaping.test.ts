import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scope } from '../../ts/engine/handle.js'
import { ArgumentError, type LayerRnnError, ShapeError, UnsupportedError } from '../../ts/errors.js'
import * as ops from '../../ts/ops/index.js'
import { Trace, type TracedTensor } from '../../ts/ops/trace.js'
import { tensor } from '../../ts/tensor/tensor.js'
import { balanced, fails } from '../engine/support.js'

const rows = [
  [1, 2, 3],
  [4, 5, 6],
]

test('reshape, expandDims, squeeze', () => {
  balanced(() =>
    scope(() => {
      const x = tensor(rows)
      assert.equal(ops.reshape(x, [3, 2]).array(), [
        [1, 2],
        [3, 4],
        [5, 6],
      ])
      assert.equal(ops.reshape(x, [-1]).shape, [6])
      assert.equal(ops.reshape(x, [null, 1, -1]).shape, [2, 1, 3])
      assert.equal(ops.reshape(7, [1, 1]).shape, [1, 1])
      assert.equal(ops.expandDims(x, 0).shape, [1, 2, 3])
      assert.equal(ops.expandDims(x, -1).shape, [2, 3, 1])
      assert.equal(ops.squeeze(ops.expandDims(x, 1), 1).array(), rows)
      fails(() => ops.reshape(x, [4, 2]), ShapeError, /6 elements, the new shape 8/)
      fails(() => ops.reshape(x, [-1, 4]), ShapeError, /reshape/)
      fails(() => ops.reshape(x, [1.5]), ShapeError, /of known sizes up to 2147483647, not 1\.5/)
      fails(() => ops.squeeze(x, 0), ShapeError, /axis must be one of size 1 in \[2, 3\], not 0/)
    }),
  )
})

test('transpose', () => {
  scope(() => {
    assert.equal(ops.transpose(rows).array(), [
      [1, 4],
      [2, 5],
      [3, 6],
    ])
    assert.equal(ops.transpose(ops.zeros([2, 3, 4]), [1, -1, 0]).shape, [3, 4, 2])
    fails(() => ops.transpose(rows, [0, 0]), ArgumentError, /each of 2 axes once/)
    fails(() => ops.transpose(rows, [0]), ArgumentError, /each of 2 axes once/)
  })
})

test('an axis that a slice leaves whole keeps its size, known or not', () => {
  Trace.infer(trace => {
    const x = trace.input([null, null, 6])
    const part = ops.slice(x, [0, 0, 2], [null, null, 3]) as TracedTensor
    assert.equal(part.dims, [x.dims[0], x.dims[1], 3])
    for (const third of ops.split(x, 3, -1) as TracedTensor[]) assert.is(third.dims[0], x.dims[0])
  })
})

test('slice as keras.ops.slice, with steps', () => {
  scope(() => {
    const x = tensor(rows)
    assert.equal(ops.slice(x, [0, 1], [2, 2]).array(), [
      [2, 3],
      [5, 6],
    ])
    assert.equal(ops.slice(x, [1], [1]).array(), [[4, 5, 6]])
    assert.equal(ops.slice(x, [0, -2], [null, 1]).array(), [[2], [5]])
    assert.equal(ops.slice(x, [0, -2], [null, 2]).array(), [
      [2, 3],
      [5, 6],
    ])
    assert.equal(ops.slice(ops.reshape(x, [6]), [0], [6], [4]).array(), [1, 5])
    assert.equal(ops.slice(tensor([true, false, true]), [1], [null]).array(), [false, true])
    fails(() => ops.slice(x, [0, 2], [2, 2]), ArgumentError, /size must be within axis 1 of \[2, 3\], not 2/)
    fails(() => ops.slice(x, [3], [1]), ArgumentError, /start must be within axis 0 of \[2, 3\], not 3/)
    fails(
      () => ops.slice(x, [0, 0, 0], [1, 1, 1]),
      ArgumentError,
      /size must be as long as start, at most 2, not/,
    )
    fails(() => ops.slice(x, [0], [1], [0]), ArgumentError, /step must be within axis 0/)
  })
})

test('split, concatenate, stack', () => {
  balanced(() =>
    scope(() => {
      const x = tensor(rows)
      assert.equal(
        ops.split(x, 3, 1).map(part => part.array()),
        [
          [[1], [4]],
          [[2], [5]],
          [[3], [6]],
        ],
      )
      assert.equal(
        ops.split(x, [1], -1).map(part => part.shape),
        [
          [2, 1],
          [2, 2],
        ],
      )
      assert.equal(ops.concatenate([x, [[7], [8]]]).array(), [
        [1, 2, 3, 7],
        [4, 5, 6, 8],
      ])
      assert.equal(ops.concatenate([x, x], 0).shape, [4, 3])
      assert.equal(ops.concatenate([tensor([true]), tensor([false])]).dtype, 'bool')
      assert.equal(
        ops
          .stack([
            [1, 2],
            [3, 4],
          ])
          .array(),
        [
          [1, 2],
          [3, 4],
        ],
      )
      assert.equal(
        ops
          .stack(
            [
              [1, 2],
              [3, 4],
            ],
            -1,
          )
          .array(),
        [
          [1, 3],
          [2, 4],
        ],
      )
      fails(() => ops.split(x, 2, 1), ShapeError, /parts must be a divisor of axis 1 of \[2, 3\], not 2/)
      fails(() => ops.concatenate([x, [[1, 2]]], 1), ShapeError, /concatenate.*axis 0/)
      fails(() => ops.concatenate([]), ArgumentError, /xs must be at least one tensor/)
    }),
  )
})

test('arguments of another kind are refused by name', () => {
  const none = {} as never
  const list =
    /: (shape|axes|start|size|step|parts|xs) must be an array, not (\{ {2}\}|tensor float32 \[1\])$/
  scope(() => {
    for (const call of [
      () => ops.reshape([1], none),
      () => ops.zeros(none),
      () => ops.broadcastTo([1], none),
      () => ops.transpose([1], none),
      () => ops.slice([1], none, [1]),
      () => ops.slice([1], [0], none),
      () => ops.slice([1], [0], [1], none),
      () => ops.split([1], none),
      () => ops.concatenate(tensor([1]) as never),
      () => ops.stack(tensor([1]) as never),
    ]) {
      assert.is(fails(call, ArgumentError, list).expected, 'an array')
    }
    fails(
      () => ops.concatenate([[1], [2]], { axis: 0 } as never),
      ArgumentError,
      /axis must be .*not { axis }/,
    )
    fails(() => ops.expandDims([1], none), ArgumentError, /expandDims: axis/)
    fails(() => ops.take([[1]], [0], { axis: 0 } as never), UnsupportedError, /axis must be 0, not { axis }/)
    fails(() => ops.zeros([null, 2] as never), ShapeError, /known sizes up to 2147483647, not null/)
    fails(() => ops.reshape([1], ['1'] as never), ShapeError, /known sizes .* not "1"/)
    fails(() => ops.zeros([4e9]), ShapeError, /of known sizes up to 2147483647, not 4000000000/)
    for (const parts of [0, -2, 1.5]) fails(() => ops.split([1, 2, 3], parts), ShapeError, /a divisor/)
  })
})

test('operands have the names of the arguments', () => {
  scope(() => {
    const named = (
      call: () => unknown,
      role: string,
      pattern: RegExp,
      Class: new (...args: never[]) => LayerRnnError = ShapeError,
    ) => assert.is(fails(call, Class, pattern).argument, role)
    named(() => ops.add([1, 2], [1, 2, 3]), 'b', /^add: axis 0 of b \[3\] must be 2, not 3$/)
    named(() => ops.where([true], [1, 2], [1, 2, 3]), 'b', /^where: axis 0 of b/)
    named(() => ops.linear([[1, 2]], [[1], [2]], [1, 2]), 'bias', /^linear: axis 0 of bias \[2\]/)
    named(() => ops.take(5, [1]), 'table', /^take: table \[\] must have 1 axes, not 0/)
    named(() => ops.concatenate([[[1]], [[1], [2]]]), 'xs[1]', /^concatenate: axis 0 of xs\[1\] \[2, 1\]/)
    named(
      () => ops.add([1], [['a']] as never),
      'b[0][0]',
      /^add: b\[0\]\[0\] must be a number, not "a"$/,
      ArgumentError,
    )
    named(() => ops.tanh(undefined as never), 'x', /^tanh: x must be numbers, not undefined$/, ArgumentError)
  })
})

test('flip', () => {
  scope(() => {
    assert.equal(ops.flip(rows, 1).array(), [
      [3, 2, 1],
      [6, 5, 4],
    ])
    assert.equal(ops.flip(rows, 0).array(), [
      [4, 5, 6],
      [1, 2, 3],
    ])
    assert.equal(ops.flip(rows).array(), [
      [6, 5, 4],
      [3, 2, 1],
    ])
  })
})

test('broadcastTo', () => {
  scope(() => {
    assert.equal(ops.broadcastTo([1, 2], [2, 2]).array(), [
      [1, 2],
      [1, 2],
    ])
    assert.equal(ops.broadcastTo([[1], [2]], [null, 3]).array(), [
      [1, 1, 1],
      [2, 2, 2],
    ])
    fails(
      () => ops.broadcastTo([1, 2], [null, 2]),
      ShapeError,
      /shape must be known for new axes, not \[null, 2\]/,
    )
    fails(() => ops.broadcastTo([1, 2], [3]), ShapeError, /broadcastTo.*must be 3, not 2/)
  })
})

test.run()
