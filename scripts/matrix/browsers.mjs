/** Rows in browsers: a server, the browser without a window, a page that runs the cases and sends what they gave. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { extname, join, normalize } from 'node:path'
import { ask, environment } from '../setup/run.mjs'
import { extension, out } from './bundlers.mjs'
import { devServer } from './dev_server.mjs'
import { quietQuanta } from './heap.mjs'
import { app, attempt } from './install.mjs'
import { nextPage } from './next.mjs'

const bundlers = ['esbuild', 'rollup', 'webpack', 'vite']

const cases = [
  { name: 'import map', kind: 'page', query: 'map=1&script=/programs/page.mjs' },
  { name: 'script tag', kind: 'page', query: 'global=1&script=/programs/page_global.mjs' },
  { name: 'two copies', kind: 'page', query: 'map=1&global=1&script=/programs/two_copies.mjs' },
  { name: 'strict CSP', kind: 'page', query: 'csp=1&script=/out/esbuild/page.js' },
  { name: 'strict CSP, script tag', kind: 'page', query: 'csp=1&global=1&script=/programs/page_global.mjs' },
  { name: 'module worker', kind: 'worker', url: '/out/esbuild/page.js' },
  { name: 'classic worker', kind: 'classicWorker', url: '/programs/worker_global.js' },
  { name: 'service worker, module', kind: 'serviceWorker', url: '/out/service_worker.js' },
  { name: 'service worker, classic', kind: 'classicServiceWorker', url: '/programs/worker_global.js' },
  {
    name: 'AudioWorklet after the global script',
    kind: 'worklet',
    scripts: ['/package/dist/global.js', '/out/processor_global.js'],
  },
  { name: 'AudioWorklet that plays a model', kind: 'page', query: 'script=/out/audio.js' },
  { name: 'rollup with plugin-wasm, slim', kind: 'page', query: 'script=/out/rollup/rollup_wasm.js' },
  ...bundlers.flatMap(name => [
    { name: `${name}: page`, kind: 'page', query: `script=/out/${name}/page.js` },
    { name: `${name}: worker`, kind: 'worker', url: `/out/${name}/page.js` },
    { name: `${name}: AudioWorklet`, kind: 'worklet', scripts: [`/out/${name}/processor.js`] },
    {
      name: `${name}: AudioWorklet given the module`,
      kind: 'worklet',
      scripts: [`/out/${name}/processor_slim.js`],
      module: true,
    },
  ]),
]

const webkit = '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser'

/** Each browser: its program, how to get it, its arguments, and cases that only it has. */
const kinds = {
  Chromium: {
    program: () => ['chromium', 'chromium-browser', 'google-chrome'].map(which).find(Boolean),
    get: 'apt-get install chromium',
    command: (program, { url, profile, server }) => [
      program,
      ...headless(profile),
      ...['--disable-extensions-except', '--load-extension'].map(flag => `${flag}=${extension(server)}`),
      url,
    ],
    alone: ['extension, service worker'],
    driven: {
      'AudioWorklet, heap and swaps': quietQuanta,
      'vite, dev server': devServer,
      'Next.js, page': nextPage,
    },
  },
  Firefox: {
    program: () => ['firefox-esr', 'firefox'].map(which).find(Boolean),
    get: 'apt-get install firefox-esr',
    command: (program, { url, profile }) => [program, '--headless', '--no-remote', '--profile', profile, url],
    alone: [],
  },
  WebKitGTK: {
    program: () => (existsSync(webkit) && which('xvfb-run') ? webkit : undefined),
    get: 'apt-get install libwebkit2gtk-4.1-0 webkit2gtk-driver xvfb xauth',
    command: (program, { url }) => ['xvfb-run', '-a', program, url],
    version: program => ['xvfb-run', ['-a', program, '--version']], // it opens a display for that
    environment: { WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1' },
    alone: [],
  },
}

const headless = profile => [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
  `--user-data-dir=${profile}`,
]

const which = name => ask('which', [name])

/** The rows of every browser; with `optional`, those that are not on this machine are said and give none. */
export async function* browsers(wanted, optional) {
  for (const [browser, kind] of Object.entries(kinds)) {
    const isWanted = name => wanted(`${browser}, ${name}`)
    const own = [...cases, ...kind.alone.map(name => ({ name }))].filter(({ name }) => isWanted(name))
    const driven = Object.entries(kind.driven ?? {}).filter(([name]) => isWanted(name))
    if (own.length + driven.length === 0) continue
    const program = kind.program()
    if (!program) {
      const error = `not run: ${browser} is not on this machine (${kind.get})`
      if (optional) console.log(`${browser}: ${error}`)
      else yield { name: browser, error }
      continue
    }
    const results = own.length > 0 ? await visit(kind, program, own) : undefined
    const version = ask(...(kind.version ?? (program => [program, ['--version']]))(program))?.match(
      /\d[\d.]+/,
    )?.[0]
    for (const { name } of own) {
      const { error, ...answers } = results.get(name) ?? { error: 'no answer' }
      yield { name: `${browser}, ${name}`, version, answers: error ? undefined : answers, error }
    }
    for (const [name, drive] of driven) {
      const { server, address } = await serve([], new Map(), () => {})
      const profile = mkdtempSync(join(tmpdir(), 'matrix-'))
      const child = spawn(program, [...headless(profile), '--remote-debugging-pipe', 'about:blank'], {
        stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
        env: environment({ HOME: profile }),
        detached: true,
      })
      yield await attempt(`${browser}, ${name}`, version, () =>
        drive(child, `${address}/page?script=/out/quanta.js`),
      )
      await close(child, server, profile)
    }
  }
}

/** The results of a browser by the names of the cases. */
async function visit(kind, program, own) {
  const results = new Map()
  let ended = () => {}
  const end = new Promise(resolve => {
    ended = resolve
  })
  const listening = own.filter(({ kind }) => kind)
  const { server, address } = await serve(listening, results, () => {
    if (results.has('end') && own.every(({ name }) => results.has(name))) ended()
  })
  const profile = mkdtempSync(join(tmpdir(), 'matrix-'))
  const [command, ...args] = kind.command(program, { url: `${address}/`, profile, server: address })
  const env = environment({ ...kind.environment, HOME: profile })
  const child = spawn(command, args, { stdio: 'ignore', env, detached: true })
  const timer = setTimeout(ended, 240_000)
  await end
  clearTimeout(timer)
  await close(child, server, profile)
  return results
}

async function serve(listening, results, received) {
  const server = createServer((request, response) => answer(request, response, listening, results, received))
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  return { server, address: `http://127.0.0.1:${server.address().port}` }
}

async function close(child, server, profile) {
  const closed = new Promise(resolve => child.on('exit', resolve))
  process.kill(-child.pid, 'SIGKILL') // with all that it started
  await closed
  server.closeAllConnections()
  server.close()
  rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
}

const types = { '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' }
const roots = {
  '/package/': join(app, 'node_modules/layer-rnn/'),
  '/programs/': `${app}/`,
  '/out/': `${out}/`,
}
const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'"

function answer(request, response, listening, results, received) {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost')
  const send = (type, body, headers = {}) =>
    response
      .writeHead(200, { 'content-type': type, 'access-control-allow-origin': '*', ...headers })
      .end(body)
  if (pathname === '/')
    return send('text/html', '<script type="module" src="/programs/harness.mjs"></script>')
  if (pathname === '/cases') return send('application/json', JSON.stringify(listening))
  if (pathname === '/known')
    return send('application/json', JSON.stringify({ known: results.has(searchParams.get('name')) }))
  if (pathname === '/page') {
    const headers = searchParams.has('csp') ? { 'content-security-policy': policy } : {}
    return send('text/html', page(searchParams), headers)
  }
  if (pathname === '/result') {
    let body = ''
    request.on('data', data => {
      body += data
    })
    request.on('end', () => {
      send('text/plain', '')
      const { name, result } = body ? JSON.parse(body) : {}
      if (name) results.set(name, result)
      received()
    })
    return undefined
  }
  const root = Object.keys(roots).find(prefix => pathname.startsWith(prefix))
  const file = root && join(roots[root], normalize(pathname.slice(root.length)))
  if (!file || !existsSync(file)) return response.writeHead(404).end()
  return send(types[extname(file)] ?? 'application/octet-stream', readFileSync(file))
}

function page(query) {
  const map = {
    imports: { 'layer-rnn': '/package/dist/index.js', 'layer-rnn/keras': '/package/dist/keras.js' },
  }
  return [
    '<!doctype html><meta charset="utf-8">',
    query.has('map') ? `<script type="importmap">${JSON.stringify(map)}</script>` : '',
    query.has('global')
      ? '<script src="/package/dist/global.js"></script><script src="/out/answers.js"></script>'
      : '',
    `<script type="module" src="${query.get('script')}"></script>`,
  ].join('\n')
}
