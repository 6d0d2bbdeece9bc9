import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { decode } from '../../ts/engine/decode.js'
import { compile, instantiate } from '../../ts/engine/instance.js'
import { EngineError } from '../../ts/errors.js'
import { decoder, text } from '../../ts/generated/bytes.js'
import { ErrorCode } from '../../ts/generated/enums.js'
import { stamp } from '../../ts/generated/stamp.js'
import { fails } from './support.js'

test('bytes and modules are taken', () => {
  const bytes = decode(decoder, text)
  const module = compile(bytes)
  assert.is(compile(module), module)
  assert.ok(compile(bytes.slice().buffer))
  assert.is(instantiate(module).engine_start(0), 0)
})

test('instances share nothing', () => {
  const module = compile(decode(decoder, text))
  const [a, b] = [instantiate(module), instantiate(module)]
  assert.is.not(a.memory.buffer, b.memory.buffer)
})

test('what answers that it failed says what failed', () => {
  const wasm = instantiate(compile(decode(decoder, text)))
  assert.is(wasm.engine_start(0), 0)
  assert.is(wasm.engine_start(0), ErrorCode.Busy)
  // the boundary is zeros: no y, no x, and segments of no steps
  assert.is(wasm.builder_gradient(wasm.builder_new(), 3), 0)
  assert.is(wasm.error_code(), ErrorCode.Inputs)
  assert.equal([...new Uint32Array(wasm.memory.buffer, wasm.boundary_pointer(), 2)], [1, 0])
})

test('bytes that cannot be compiled keep the cause', () => {
  const cut = decode(decoder, text).slice(0, 1000)
  const error = fails(
    () => compile(cut),
    EngineError,
    /could not be compiled; it may be cut off, or a Content-Security-Policy/,
  )
  assert.ok(error.cause instanceof Error)
})

test('what is no WebAssembly says what it begins with, and from where it is', () => {
  fails(() => compile(Uint8Array.of(65, 66)), EngineError, /what was given is no WebAssembly.* "AB"$/)
  const page = new TextEncoder().encode('<!doctype html><title>404')
  fails(
    () => compile(page, 'https://a.example/x.wasm'),
    EngineError,
    /^https:\/\/a\.example\/x\.wasm is no WebAssembly: it begins with "<!doctype html>", so it is a page/,
  )
  fails(() => compile(page.buffer), EngineError, /<!doctype/)
})

test('a wasm of another version, and one that is not ours', async () => {
  const empty = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)
  fails(() => compile(empty), EngineError, /not that of layer-rnn/)
  const { stamped } = (await import(new URL('../../../scripts/embed.mjs', import.meta.url).href)) as {
    stamped(wasm: Uint8Array, stamp: string): Uint8Array
  }
  const other = stamped(empty, '9.9.9 01234567')
  const error = fails(
    () => compile(other),
    EngineError,
    /of layer-rnn 9\.9\.9 01234567 and the JavaScript of/,
  )
  assert.equal([error.expected, error.actual], [stamp, '9.9.9 01234567'])
  assert.match(stamp, /^\d+\.\d+\.\d+ [0-9a-f]{8}$/)
})

test.run()
