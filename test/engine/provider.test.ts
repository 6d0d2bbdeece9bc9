import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { runInNewContext } from 'node:vm'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { decode } from '../../ts/engine/decode.js'
import { compile } from '../../ts/engine/instance.js'
import { getModule, init, initSync } from '../../ts/engine/provider.js'
import {
  ArgumentError,
  createEngine,
  currentEngine,
  EngineError,
  LayerRnnError,
  ops,
} from '../../ts/entry/api.js'
import { decoder, text } from '../../ts/generated/bytes.js'
import { fails } from './support.js'

const bytes = decode(decoder, text).slice()

/** What a server sends by path: the file, the file with a wrong type, a page, nothing. */
const answers: Record<string, [status: number, type: string, body: Uint8Array | string]> = {
  '/layer_rnn.wasm': [200, 'application/wasm', bytes],
  '/download': [200, 'application/octet-stream', bytes],
  '/page': [200, 'text/html', '<!doctype html><title>not found</title>'],
}

let server: Server
let base = ''

test.before(
  () =>
    new Promise<void>(resolve => {
      server = createServer((request, response) => {
        const [status, type, body] = answers[request.url!] ?? [404, 'text/html', '<h1>404</h1>']
        response.writeHead(status, { 'content-type': type, connection: 'close' }).end(body)
      }).listen(0, '127.0.0.1', () => {
        base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
        resolve()
      })
    }),
)
test.after(() => void server.close())

const shared = () => {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length))
  copy.set(bytes)
  return copy
}

/** The error of `init`. */
async function refused(source: unknown, pattern: RegExp): Promise<LayerRnnError> {
  const error = await init(source as string).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.instance(error, LayerRnnError)
  assert.match((error as LayerRnnError).message, pattern)
  return error as LayerRnnError
}

/** That engines are now made of a module of this call. */
function works(before: object): void {
  assert.is.not(getModule(), before)
  const engine = createEngine()
  engine.use(() => assert.is(ops.add(1, 2).item(), 3))
  engine.dispose()
}

const sources: Record<string, () => unknown> = {
  bytes: () => bytes,
  'a buffer': () => bytes.buffer,
  'a DataView': () => new DataView(bytes.buffer),
  'a buffer of threads': () => shared().buffer,
  'a view of such a buffer': shared,
  'a module': () => compile(bytes),
  'a module of another realm': () => runInNewContext('new WebAssembly.Module(bytes)', { bytes }),
  'a promise': () => Promise.resolve(bytes),
  'a URL': () => new URL('/layer_rnn.wasm', base),
  'a string': () => `${base}/layer_rnn.wasm`,
  'a Response': () => fetch(`${base}/layer_rnn.wasm`),
  'the wrong content type': () => fetch(`${base}/download`),
  "a Response of one's own": () => new Response(bytes),
}

for (const [name, source] of Object.entries(sources)) {
  test(`init takes ${name}`, async () => {
    const before = getModule()
    await init(source() as string)
    works(before)
  })
}

test('initSync takes bytes and modules; engines that are there stay', () => {
  const engine = currentEngine()
  const before = getModule()
  for (const source of [bytes, new DataView(bytes.buffer), shared().buffer]) {
    initSync(source)
    works(before)
  }
  const module = compile(bytes)
  initSync(module)
  assert.is(getModule(), module)
  assert.is(currentEngine(), engine)
  assert.not(engine.disposed)
})

test('without a source, the wasm inside', async () => {
  await init()
  initSync()
  works({})
})

test('a file that is missing: status or page, and the address', async () => {
  const before = getModule()
  assert.is(
    (await refused(`${base}/missing`, /^http:.*\/missing was answered with status 404$/)).code,
    'engine',
  )
  await refused(
    new URL('/page', base),
    /\/page is no WebAssembly: it begins with "<!doctype html>", so it is a page/,
  )
  await refused(fetch(`${base}/page`), /\/page is no WebAssembly/)
  await refused('http://127.0.0.1:9/none', /^http:\/\/127\.0\.0\.1:9\/none could not be fetched/)
  await refused(new URL('file:///layer_rnn.wasm'), /could not be fetched .*read the file and give its bytes/)
  const read = await fetch(`${base}/layer_rnn.wasm`)
  await read.arrayBuffer()
  await refused(read, /\/layer_rnn\.wasm could not be read \(.*already/)
  assert.is(getModule(), before)
})

test('anything else', async () => {
  assert.is(
    (await refused(5, /source must be a WebAssembly.Module, its bytes, a Response or a URL, not 5/)).argument,
    'source',
  )
  await refused({}, /not \{ {2}\}/)
  await refused(null, /source must be .* not null/)
  await refused('', /source must be .* not ""/)
  await refused(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0), /not that of layer-rnn/)
  await refused(bytes.subarray(0, 100), /could not be compiled/)
  const error = fails(() => initSync('x' as never), ArgumentError, /initSync: source must be/)
  assert.is(error.argument, 'source')
  const gone = bytes.slice()
  structuredClone(gone.buffer, { transfer: [gone.buffer] })
  assert.is((await refused(gone, /what was given has no bytes any more/)).code, 'argument')
  fails(() => initSync(bytes.subarray(0, 99)), EngineError, /could not be compiled/)
})

test.run()
