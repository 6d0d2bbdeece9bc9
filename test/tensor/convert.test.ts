import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { ArgumentError, ShapeError, UnsupportedError } from '../../ts/errors.js'
import { convert, solve } from '../../ts/tensor/convert.js'
import { NdArray } from '../../ts/tensor/ndarray.js'
import type { DType } from '../../ts/tensor/shape.js'
import { fails } from '../engine/support.js'

const of = (value: unknown, options = {}) => {
  const { data, shape, dtype } = convert(value, options)
  return [[...data], shape, dtype]
}

test('dtypes follow the values', () => {
  assert.equal(of(3), [[3], [], 'float32'])
  assert.equal(of(true), [[1], [], 'bool'])
  assert.equal(
    of([
      [1, 2],
      [3, 4],
      [5, 6],
    ]),
    [[1, 2, 3, 4, 5, 6], [3, 2], 'float32'],
  )
  assert.equal(of([[true], [false]]), [[1, 0], [2, 1], 'bool'])
  assert.equal(of(Float64Array.of(0.1)), [[Math.fround(0.1)], [1], 'float32'])
  assert.equal(of(Uint16Array.of(65535)), [[65535], [1], 'int32'])
  assert.equal(of([Int8Array.of(-1, 2), Int8Array.of(3, 4)]), [[-1, 2, 3, 4], [2, 2], 'int32'])
  assert.equal(of(new NdArray(Uint8Array.of(1, 0), [2])), [[1, 0], [2], 'bool'])
  assert.equal(of([new NdArray(Float32Array.of(1, 2), [2]), new NdArray(Float32Array.of(3, 4), [2])]), [
    [1, 2, 3, 4],
    [2, 2],
    'float32',
  ])
  assert.equal(of([]), [[], [0], 'float32'])
  assert.equal(of([[], []]), [[], [2, 0], 'float32'])
})

test('numbers that need no conversion are not copied', () => {
  const data = Float32Array.of(1, 2)
  assert.is(convert(data).data, data)
})

test('a dtype converts', () => {
  assert.equal(of(Uint8Array.of(0, 7), { dtype: 'bool' }), [[0, 1], [2], 'bool'])
  assert.equal(of([Number.NaN, 0, -0], { dtype: 'bool' })[0], [1, 0, 0])
  assert.equal(of([1, 2], { dtype: 'int32' }), [[1, 2], [2], 'int32'])
  assert.equal(of([true, false], { dtype: 'float32' }), [[1, 0], [2], 'float32'])
  fails(() => convert([1.5], { dtype: 'int32' }), ArgumentError, /1\.5 is no 32-bit integer/)
  fails(() => convert([2 ** 31], { dtype: 'int32' }), ArgumentError, /2147483648/)
  fails(() => convert(Uint32Array.of(2 ** 32 - 1)), ArgumentError, /4294967295/)
})

test('what cannot be stored is refused by name', () => {
  fails(() => convert(BigInt64Array.of(1n)), ArgumentError, /BigInt64Array/)
  fails(() => convert(new BigUint64Array(0)), ArgumentError, /BigUint64Array/)
  fails(() => convert([1n]), ArgumentError, /^values\[0\] must be a number, not 1n/)
  fails(() => convert(new DataView(new ArrayBuffer(4))), ArgumentError, /DataView/)
  fails(() => convert([['a']], { what: 'mask' }), ArgumentError, /mask\[0\]\[0\].*"a"/)
  fails(() => convert([1, undefined]), ArgumentError, /\[1\].*undefined/)
  fails(() => convert({ length: 1 }), ArgumentError, /^values must be numbers, not { length }/)
  for (const dtype of ['float64', 'float16', 'int64', 'toString']) {
    fails(() => convert([1], { dtype: dtype as DType }), UnsupportedError, new RegExp(`"${dtype}"`))
  }
})

test('ragged arrays name the place', () => {
  fails(() => convert([[1, 2], [3]], { what: 'x' }), ShapeError, /^x\[1\] must be 2 long.*it is 1 long/)
  fails(
    () =>
      convert(
        [
          [1, 2],
          [3, [4]],
        ],
        { what: 'x' },
      ),
    ShapeError,
    /^x\[1\]\[1\] must be a number/,
  )
  fails(() => convert([[[1]], [[2]], [3]], { what: 'x' }), ShapeError, /^x\[2\]\[0\] must be 1 long.*3/)
  fails(() => convert([Float32Array.of(1), Float32Array.of(1, 2)], { what: 'x' }), ShapeError, /^x\[1\]/)
})

test('a shape pattern is filled or compared', () => {
  assert.equal(of([1, 2, 3, 4], { shape: [2, null] })[1], [2, 2])
  assert.equal(of(new Float32Array(12), { shape: [null, 3] })[1], [4, 3])
  assert.equal(of([[1, 2]], { shape: [null, 2] })[1], [1, 2])
  assert.equal(of([1], { shape: [] })[1], [])
  fails(() => convert([[1, 2]], { shape: [null, 3] }), ShapeError, /\[null, 3\], not \[1, 2\]/)
  fails(() => convert([[1, 2]], { shape: [2] }), ShapeError, /\[2\], not \[1, 2\]/)
  fails(
    () => convert(new Float32Array(7), { shape: [null, 3] }),
    ShapeError,
    /7 numbers do not fill the shape \[null, 3\]/,
  )
  fails(() => convert(new Float32Array(7), { shape: [2, 3] }), ShapeError, /7 numbers/)
  fails(
    () => convert(new NdArray(new Float32Array(6), [2, 3]), { shape: [3, 2] }),
    ShapeError,
    /\[3, 2\], not \[2, 3\]/,
  )
})

test('unknown sizes are solved; several of them are one sequence', () => {
  assert.equal(solve([null, null, 4], 12), [1, 3, 4])
  assert.equal(solve([null, 2], 0), [0, 2])
  fails(() => solve([null, 0], 0), ShapeError, /do not fill/)
  fails(() => solve([-1, 2], 4), ShapeError, /no shape/)
  fails(() => solve([1.5, 2], 3), ShapeError, /no shape/)
})

test.run()
