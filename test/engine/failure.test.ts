import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { failure } from '../../ts/engine/failure.js'
import {
  ArgumentError,
  DisposedError,
  EngineError,
  MemoryError,
  ShapeError,
  StateError,
  UnsupportedError,
} from '../../ts/errors.js'
import { ErrorCode } from '../../ts/generated/enums.js'

const made = (code: number, ...operands: number[]) =>
  failure(code, Int32Array.from([...operands, 0, 0, 0, 0]), 'add')

test('each code has its class and says what was expected', () => {
  const shape = made(ErrorCode.Shape, 1, 0, 3, 2)
  assert.instance(shape, ShapeError)
  assert.equal(
    [shape.message, shape.argument, shape.expected, shape.actual],
    ['add: axis 0 of input 2 must be 3, not 2', 'input 2', 3, 2],
  )
  assert.is(made(ErrorCode.Shape, 0, -1, 6, 8).message, 'add: input 1 has 6 elements, the new shape 8')
  assert.match(made(ErrorCode.Shape, 0, 1, -1, 8).message, /must be null, not 8/)
  assert.instance(made(ErrorCode.Rank, 0, 3, 2), ShapeError)
  assert.match(made(ErrorCode.Dtype, 0, 0, 1).message, /must be float32, not int32/)
  assert.instance(made(ErrorCode.Stale, 9), DisposedError)
  assert.is(made(ErrorCode.Memory, -1).actual, 4 * 0xffffffff)
  assert.instance(made(ErrorCode.Memory, 10), MemoryError)
  assert.instance(made(ErrorCode.Index, 7, 5), ArgumentError)
  assert.instance(made(ErrorCode.Attribute, 0, 5), ArgumentError)
  assert.instance(made(ErrorCode.Inputs, 2, 1), ArgumentError)
  assert.instance(made(ErrorCode.Busy), StateError)
  assert.instance(made(ErrorCode.Op, 99), UnsupportedError)
  assert.match(made(ErrorCode.Depth, 8).message, /inside one another 8 deep/)
  assert.instance(made(12345), EngineError)
})

test('inputs have names and shapes, sizes of memory units', () => {
  const named = failure(
    ErrorCode.Rank,
    Int32Array.of(1, 2, 3, 0),
    '',
    [undefined, 'kernel'],
    [[], [2, null, 4]],
  )
  assert.equal([named.message, named.argument], ['kernel [2, null, 4] must have 2 axes, not 3', 'kernel'])
  assert.match(made(ErrorCode.Memory, 100).message, /for 400 bytes more/)
  assert.match(made(ErrorCode.Memory, 256).message, /for 1 KiB more/)
  assert.match(made(ErrorCode.Memory, 3 << 18).message, /for 3 MiB more/)
  assert.match(made(ErrorCode.Memory, -1).message, /for more than can be addressed/)
})

test('every code of the engine is known', () => {
  for (const code of Object.values(ErrorCode))
    assert.not.match(made(code, 0, 0, 0, 0).message, /failed with code/)
})

test.run()
