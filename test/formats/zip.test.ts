import { zipSync } from 'fflate'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { ImportError, UnsupportedError } from '../../ts/errors.js'
import { Archive } from '../../ts/formats/zip.js'

const text = new TextEncoder().encode('a line that repeats\n'.repeat(50))

function broken(
  bytes: Uint8Array,
  pattern: RegExp,
  kind: new (...args: never[]) => Error = ImportError,
): void {
  assert.throws(
    () => {
      const archive = new Archive(bytes)
      for (const name of archive.names) archive.read(name)
    },
    (e: Error) => e instanceof kind && pattern.test(e.message),
  )
}

/** A copy with 32 bits changed at an offset from the directory entry of the only file. */
function changed(bytes: Uint8Array, offset: number, value: number): Uint8Array {
  const copy = bytes.slice()
  const view = new DataView(copy.buffer)
  let at = 0
  while (view.getUint32(at, true) !== 0x02014b50) at++
  view.setUint32(at + offset, value, true)
  return copy
}

for (const level of [0, 6] as const) {
  const zip = zipSync({ 'a.txt': text, 'sub/b.bin': new Uint8Array(0) }, { level })
  test(`reads level ${level}`, () => {
    const archive = new Archive(zip)
    assert.equal(archive.names, ['a.txt', 'sub/b.bin'])
    assert.equal([...archive.read('a.txt')], [...text])
    assert.is(archive.read('sub/b.bin').length, 0)
    assert.throws(
      () => archive.read('c'),
      (e: Error) => e instanceof ImportError && e.path === 'c',
    )
    assert.throws(() => archive.read('a.txt', 10), /limit/)
  })
  test(`every cut of level ${level} is noticed`, () => {
    for (let length = 0; length < zip.length; length++) broken(zip.subarray(0, length), /./)
  })
}

const one = zipSync({ 'a.txt': text }, { level: 6 })

test('sizes are checked before anything is unpacked', () => {
  broken(changed(one, 24, 0x3fffffff), /cannot hold/)
  broken(changed(one, 24, 0xffffffff), /zip64/, UnsupportedError)
  broken(changed(one, 20, 0x00ffffff), /cut off/)
  broken(changed(one, 24, text.length + 1), /declared|checksum/)
  broken(changed(one, 24, text.length - 1), /declared|checksum/)
  broken(changed(one, 42, 1), /does not begin/)
})

test('checksums are compared', () => broken(changed(one, 16, 12345), /checksum/))

test('other methods and encryption are named', () => {
  broken(changed(one, 8, 0x000c0000 | 0x0000), /method 12/, UnsupportedError)
  broken(changed(one, 8, 0x00080001), /encrypted/, UnsupportedError)
})

test('the same name twice', () => {
  const zip = zipSync({ 'a.txt': text, 'b.txt': text }, { level: 0 })
  const bytes = zip.map((byte, i) => (byte === 98 && zip[i + 1] === 46 ? 97 : byte))
  broken(bytes, /twice/)
})

test('an archive of many declared gigabytes', () => {
  const files = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`${i}`, new Uint8Array(32 * 1024)]))
  const bytes = zipSync(files, { level: 9 })
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at < bytes.length - 46; at++) {
    if (view.getUint32(at, true) === 0x02014b50)
      view.setUint32(at + 24, view.getUint32(at + 20, true) * 1000, true)
  }
  broken(bytes, /checksum|declared|more than/)
})

test.run()
