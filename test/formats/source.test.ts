import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/index.js'
import { loadModel, loadModelSync } from '../../ts/entry/keras.js'
import { ArgumentError, ImportError } from '../../ts/errors.js'
import { modelFile } from './files.js'

test('every kind of source', async () => {
  const bytes = modelFile('single_keras3')
  const buffer = bytes.slice().buffer
  const sources = [
    bytes,
    buffer,
    new DataView(buffer),
    new Blob([buffer]),
    new Response(buffer),
    Promise.resolve(bytes),
  ]
  for (const source of [...sources, Promise.resolve(new Response(buffer))]) {
    const model = await loadModel(source as Uint8Array)
    assert.is(model.weights.length, 3)
    model.dispose()
  }
  // A view into the middle of a larger buffer.
  const larger = new Uint8Array(bytes.length + 7)
  larger.set(bytes, 7)
  loadModelSync(larger.subarray(7)).dispose()
})

test('what is no source', async () => {
  const rejects = async (source: unknown, kind: new (...args: never[]) => Error, words: RegExp) => {
    const error = await loadModel(source as never).then(
      () => undefined,
      (e: Error) => e,
    )
    assert.ok(error instanceof kind && words.test(error.message), String(error))
  }
  await rejects('model.keras', ArgumentError, /readFileSync/)
  await rejects(new URL('file:///model.keras'), ArgumentError, /readFileSync/)
  await rejects(undefined, ArgumentError, /Uint8Array/)
  await rejects({}, ArgumentError, /Uint8Array/)
  await rejects(new Response('', { status: 404 }), ImportError, /the file could not be fetched: status 404/)
  await rejects(
    new Response('<!doctype html>'),
    ImportError,
    /begins with "<!doctype html>", so it is a page/,
  )
  assert.throws(
    () => loadModelSync('model.keras' as never),
    (e: Error) => e instanceof ArgumentError && /fetch/.test(e.message),
  )
  assert.throws(
    () => loadModelSync(modelFile('single_keras3'), { customObject: {} } as never),
    (e: Error) => e instanceof ArgumentError && /customObjects/.test(e.message),
  )
})

test.run()
