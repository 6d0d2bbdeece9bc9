import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { decode } from '../../ts/engine/decode.js'
import { compile, instantiate } from '../../ts/engine/instance.js'
import { EngineError } from '../../ts/errors.js'
import { table, text } from '../../ts/generated/bytes.js'
import { fails } from './support.js'

test('bytes and modules are taken', () => {
  const bytes = decode(table, text)
  const module = compile(bytes)
  assert.is(compile(module), module)
  assert.ok(compile(bytes.slice().buffer))
  assert.is(instantiate(module).engine_start(0), 0)
})

test('instances share nothing', () => {
  const module = compile(decode(table, text))
  const [a, b] = [instantiate(module), instantiate(module)]
  assert.is.not(a.memory.buffer, b.memory.buffer)
})

test('wrong bytes are an EngineError that keeps the cause', () => {
  const error = fails(() => compile(Uint8Array.of(1, 2, 3)), EngineError, /could not be compiled/)
  assert.ok(error.cause instanceof Error)
})

test.run()
