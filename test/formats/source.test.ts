import { runInNewContext } from 'node:vm'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/index.js'
import { loadModel, loadModelSync, loadWeights } from '../../ts/entry/keras.js'
import { ArgumentError, ImportError } from '../../ts/errors.js'
import { modelFile } from './files.js'

test('every kind of source', async () => {
  const bytes = modelFile('single_keras3')
  const buffer = bytes.slice().buffer
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
  shared.set(bytes)
  const sources = [
    bytes,
    buffer,
    new DataView(buffer),
    new Blob([buffer]),
    new Response(buffer),
    Promise.resolve(bytes),
    shared.buffer,
    new DataView(shared.buffer),
    // of another realm, a test's own: by form
    { arrayBuffer: async () => buffer },
    { ok: true, status: 200, url: 'https://a.example/model.keras', arrayBuffer: async () => buffer },
    runInNewContext('({ arrayBuffer: async () => buffer })', { buffer }),
  ]
  for (const source of [...sources, Promise.resolve(new Response(buffer))]) {
    const model = await loadModel(source as Uint8Array)
    assert.is(model.weights.length, 3)
    model.dispose()
  }
  // A view into the middle of a larger buffer.
  const larger = new Uint8Array(bytes.length + 7)
  larger.set(bytes, 7)
  const model = loadModelSync(larger.subarray(7))
  loadModelSync(shared.buffer).dispose()
  loadWeights(model, shared.buffer)
  model.dispose()
})

test('what is no source', async () => {
  const rejects = async (source: unknown, kind: new (...args: never[]) => Error, words: RegExp) => {
    const error = await loadModel(source as never).then(
      () => undefined,
      (e: Error) => e,
    )
    assert.ok(error instanceof kind && words.test(error.message), String(error))
    return error as Error
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
  const url = 'https://a.example/model.keras'
  const answer = (fields: object, body = new Response('<html>')) => ({
    url,
    arrayBuffer: () => body.arrayBuffer(),
    ...fields,
  })
  await rejects(
    answer({ ok: false, status: 403 }),
    ImportError,
    /a\.example\/model\.keras could not .* status 403/,
  )
  await rejects(
    answer({ ok: true }),
    ImportError,
    /a\.example\/model\.keras is no model: it begins with "<html>"/,
  )
  await rejects(answer({ arrayBuffer: () => 5 }), ArgumentError, /Uint8Array/)
  const read = new Response('')
  await read.text()
  assert.instance((await rejects(read, ImportError, /the file could not be read \(.+\)/)).cause, TypeError)
  assert.instance(
    (await rejects(answer({}, read), ImportError, /model\.keras could not be read/)).cause,
    TypeError,
  )
  const bytes = new Uint8Array(8)
  const view = new DataView(bytes.buffer)
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  for (const gone of [bytes, bytes.buffer, view]) {
    const error = await rejects(gone, ArgumentError, /loadModel: source has no bytes any more/)
    assert.instance(error.cause, TypeError)
    assert.is((error as ArgumentError).argument, 'source')
  }
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
