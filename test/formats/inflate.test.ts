import { constants, deflateRawSync } from 'node:zlib'
import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { inflate } from '../../ts/formats/inflate.js'

const { Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE, Z_DEFAULT_STRATEGY } = constants

/** Bytes of few values and with repetitions, and bytes of all values. */
const some = fc.oneof(
  fc.uint8Array({ maxLength: 2000 }),
  fc.uint8Array({ max: 3, maxLength: 5000 }),
  fc
    .tuple(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.nat({ max: 300 }))
    .map(([part, times]) =>
      Uint8Array.from({ length: part.length * times }, (_, i) => part[i % part.length]!),
    ),
)

test('what zlib packed, at every level and with every strategy', () => {
  const strategy = fc.constantFrom(Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE)
  fc.assert(
    fc.property(some, fc.nat({ max: 9 }), strategy, (bytes, level, strategy) => {
      const packed = deflateRawSync(bytes, { level, strategy })
      assert.equal(inflate(packed, bytes.length), bytes)
      assert.equal(inflate(packed, bytes.length + 1000), bytes)
      if (bytes.length > 0) assert.throws(() => inflate(packed, bytes.length - 1), /more than declared/)
    }),
    { numRuns: 400 },
  )
})

test('long distances and long codes', () => {
  const bytes = new Uint8Array(300_000)
  for (let i = 0, x = 1; i < bytes.length; i++) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0
    bytes[i] = i > 32768 && x % 16 > 0 ? bytes[i - 32768 + (x % 5)]! : Math.clz32(x) * 8 + (x & 7)
  }
  assert.equal(inflate(deflateRawSync(bytes, { level: 9 }), bytes.length), bytes)
})

test('what is cut off is noticed, what is changed ends', () => {
  const bytes = new TextEncoder().encode('a line that repeats, and one more\n'.repeat(40))
  for (const level of [0, 1, 9]) {
    const packed = deflateRawSync(bytes, { level })
    for (let length = 0; length < packed.length; length++)
      assert.throws(() => inflate(packed.subarray(0, length), bytes.length))
    for (let bit = 0; bit < 8 * packed.length; bit++) {
      const changed = Uint8Array.from(packed)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      try {
        assert.ok(inflate(changed, bytes.length).length <= bytes.length)
      } catch (error) {
        assert.ok(error instanceof Error && !(error instanceof TypeError), String(error))
      }
    }
  }
})

test('more codes than their lengths allow, and blocks of no kind', () => {
  assert.throws(() => inflate(Uint8Array.of(0b111), 10), /no kind/)
  const full = [4, ...Array(18).fill(0b001)] // a block with its own codes, whose 19 lengths are all 1
  let bits =
    '1' +
    '01' +
    '00000' +
    '00000' +
    '1111' +
    full
      .slice(1)
      .map(() => '100')
      .join('') +
    '100'
  bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, '0')
  const bytes = Uint8Array.from(bits.match(/.{8}/g)!, byte =>
    Number.parseInt([...byte].reverse().join(''), 2),
  )
  assert.throws(() => inflate(bytes, 10), /more codes/)
})

test.run()
