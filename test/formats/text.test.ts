import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { nameOf, utf8 } from '../../ts/formats/text.js'

const encode = (text: string) => new TextEncoder().encode(text)

/** Runs `fn` as in an AudioWorklet. */
function withoutDecoder(fn: () => void): void {
  const { TextDecoder } = globalThis
  Reflect.deleteProperty(globalThis, 'TextDecoder')
  try {
    fn()
  } finally {
    globalThis.TextDecoder = TextDecoder
  }
}

function check(): void {
  for (const text of ['', 'lstm/kernel', '% %41 é 漢 😀', '\u0000'.repeat(3)]) {
    assert.is(utf8(encode(text)), text)
    assert.is(nameOf(encode(text)), text)
  }
  for (const bytes of [[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80]]) {
    assert.throws(() => utf8(Uint8Array.from(bytes)))
    assert.is(nameOf(Uint8Array.from(bytes)), String.fromCharCode(...bytes))
  }
}

test('text with the decoder of the platform', check)
test('text without one', () => withoutDecoder(check))

test.run()
