import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readNpy, writeNpy } from '../../ts/cli/npy.js'
import { NdArray } from '../../ts/tensor/ndarray.js'

/** A file as numpy lays it out. */
function file(fields: string, data: Uint8Array, version = 1): Uint8Array {
  const head = Buffer.from(`${fields}\n`, 'latin1')
  const size = Buffer.alloc(version === 1 ? 2 : 4)
  size.writeUIntLE(head.length, 0, size.length)
  return Buffer.concat([
    Buffer.from([0x93]),
    Buffer.from('NUMPY'),
    Buffer.from([version, 0]),
    size,
    head,
    data,
  ])
}

const fields = (descr: string, shape: string, fortran = 'False') =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`

const bytesOf = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength)

test('every type, in both byte orders', () => {
  const swapped = (array: ArrayBufferView, width: number) => {
    const bytes = Buffer.from(bytesOf(array))
    return width === 8 ? bytes.swap64() : width === 4 ? bytes.swap32() : bytes.swap16()
  }
  const cases: [string, ArrayBufferView, number[], string][] = [
    // numpy's bytes of float16 1.5, −65504, 2⁻²⁴ (the least), −0, inf and nan
    ...[
      [0x3e00, 1.5],
      [0xfbff, -65504],
      [0x0001, 2 ** -24],
      [0x8000, -0],
      [0x7c00, Infinity],
      [0x7e00, Number.NaN],
      [0x2e66, 0.0999755859375],
    ].map(([bits, value]): [string, ArrayBufferView, number[], string] => [
      'f2',
      new Uint16Array([bits!, 0xc000]),
      [value!, -2],
      'float32',
    ]),
    ['f4', new Float32Array([1.5, -2]), [1.5, -2], 'float32'],
    ['f8', new Float64Array([1.5, 0.1]), [1.5, Math.fround(0.1)], 'float32'],
    ['i2', new Int16Array([-3, 7]), [-3, 7], 'int32'],
    ['i4', new Int32Array([-3, 7]), [-3, 7], 'int32'],
    ['i8', new BigInt64Array([-3n, 2n ** 31n - 1n]), [-3, 2 ** 31 - 1], 'int32'],
    ['u2', new Uint16Array([65535, 1]), [65535, 1], 'int32'],
    ['u4', new Uint32Array([9, 1]), [9, 1], 'int32'],
    ['u8', new BigUint64Array([9n, 1n]), [9, 1], 'int32'],
    ['u1', new Uint8Array([255, 1]), [255, 1], 'int32'],
    ['i1', new Int8Array([-1, 1]), [-1, 1], 'int32'],
    ['b1', new Uint8Array([2, 0]), [1, 0], 'bool'],
  ]
  for (const [type, array, expected, dtype] of cases) {
    const width = Number(type[1])
    const orders: [string, Uint8Array][] =
      width === 1
        ? [['|', bytesOf(array)]]
        : [
            ['<', bytesOf(array)],
            ['>', swapped(array, width)],
          ]
    for (const [order, data] of orders) {
      const read = readNpy(file(fields(order + type, '(2,)'), data))
      assert.is(read.dtype, dtype, type)
      assert.equal([...read.data], expected, order + type)
    }
  }
})

test('shapes, versions and Fortran order', () => {
  const data = bytesOf(new Float32Array([0, 1, 2, 3, 4, 5]))
  for (const version of [1, 2, 3]) {
    const read = readNpy(file(fields('<f4', '(2, 3)'), data, version))
    assert.equal(read.array(), [
      [0, 1, 2],
      [3, 4, 5],
    ])
  }
  assert.equal(readNpy(file(fields('<f4', '(2, 3)', 'True'), data)).array(), [
    [0, 2, 4],
    [1, 3, 5],
  ])
  assert.equal(readNpy(file(fields('<f4', '(1, 2, 3)', 'True'), data)).array(), [
    [
      [0, 2, 4],
      [1, 3, 5],
    ],
  ])
  assert.equal(readNpy(file(fields('<f4', '()'), data.slice(0, 4))).shape, [])
  assert.equal(readNpy(file(fields('<f4', '(0, 3)'), new Uint8Array(0))).shape, [0, 3])
})

test('what is written is read, and the numbers begin at a multiple of 64 bytes', () => {
  const arrays = [
    new NdArray(new Float32Array([0.1, Number.NaN, -0]), [3]),
    new NdArray(
      new Int32Array(24).map((_, i) => i - 9),
      [2, 3, 4],
    ),
    new NdArray(new Uint8Array([1, 0]), [2, 1]),
    new NdArray(new Float32Array([7]), []),
  ]
  for (const array of arrays) {
    const bytes = writeNpy(array)
    assert.is((bytes.length - array.data.byteLength) % 64, 0)
    const { data, shape, dtype } = readNpy(bytes)
    assert.equal([bytesOf(data), shape, dtype], [bytesOf(array.data), array.shape, array.dtype])
  }
})

test('files that are wrong are refused with a sentence', () => {
  const four = new Uint8Array(16)
  const refused = (bytes: Uint8Array, words: RegExp) => assert.throws(() => readNpy(bytes), words)
  refused(new Uint8Array(0), /no \.npy/)
  refused(new Uint8Array(99), /no \.npy/)
  refused(file(fields('<f4', '(4,)'), four).subarray(0, 40), /cut off/)
  refused(file(fields('<f4', '(5,)'), four), /needs 20/)
  refused(file(fields('<f4', '(99999999999, 99999999999)'), four), /needs/)
  refused(file(fields('<c8', '(2,)'), four), /<c8/)
  refused(file(fields('|O', '(2,)'), four), /\|O/)
  refused(file(`{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4,), }`, four), /'a'/)
  refused(file('{}', four), /header/)
  refused(file(fields('<f4', '(4,)'), four, 4), /format 4/)
  refused(file(fields('<i8', '(2,)'), bytesOf(new BigInt64Array([1n, 2n ** 40n]))), /1099511627776/)
})

test.run()
