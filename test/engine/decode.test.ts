import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { decode } from '../../ts/engine/decode.js'
import { decoder, text } from '../../ts/generated/bytes.js'

// the encoder is no part of the compiled sources
const { encode } = (await import(new URL('../../../scripts/embed.mjs', import.meta.url).href)) as {
  encode(bytes: Uint8Array): { decoder: string; text: string }
}

const roundTrip = (bytes: Uint8Array) => {
  const { decoder, text } = encode(bytes)
  assert.match(text, /^[ -~]*$/)
  assert.not.match(text, /["'`\\$<]/)
  assert.equal(decode(decoder, text), bytes)
}

test('every byte survives', () => {
  roundTrip(new Uint8Array(0))
  for (const length of [65_151, 65_152, 65_153, 65_536]) roundTrip(new Uint8Array(length).fill(7))
  roundTrip(Uint8Array.from({ length: 256 }, (_, i) => i))
  roundTrip(Uint8Array.from({ length: 5000 }, (_, i) => (i * i * 31 + (i >> 3)) & 255))
})

test('where there is no TextEncoder', () => {
  const { TextEncoder } = globalThis
  Object.assign(globalThis, { TextEncoder: undefined })
  try {
    roundTrip(Uint8Array.from({ length: 5000 }, (_, i) => (i * i * 31 + (i >> 3)) & 255))
  } finally {
    Object.assign(globalThis, { TextEncoder })
  }
})

test('a repeated byte is one character, whatever it is', () => {
  const { text } = encode(new Uint8Array(100).fill(255))
  assert.is(text.length, 100)
})

test('the embedded text is a wasm', () => {
  const bytes = decode(decoder, text)
  assert.equal([...bytes.subarray(0, 8)], [0, 97, 115, 109, 1, 0, 0, 0])
  assert.ok(text.length < 1.12 * bytes.length, `${text.length} characters for ${bytes.length} bytes`)
})

test.run()
