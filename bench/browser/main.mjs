/** Runs the benchmark in the browsers that are installed: a server, a browser without a window, a page that posts what it finds. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { cpus, tmpdir } from 'node:os'
import { extname, join, normalize } from 'node:path'
import { parseArgs } from 'node:util'
import { main, root, say } from '../../scripts/setup/run.mjs'
import { onnxModel } from '../peers/onnx.mjs'
import { writeRecord } from '../peers/record.mjs'
import { rows, weightsOf } from '../peers/rows.mjs'
import { heading, intro, line } from '../peers/table.mjs'

/** By name: the programs that may be it, and their options before the address. */
const browsers = {
  Chromium: {
    programs: ['chromium', 'chromium-browser', 'google-chrome'],
    options: profile => [
      ...[
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-sync',
      ],
      ...['--disable-background-networking', '--disable-component-update', `--user-data-dir=${profile}`],
    ],
  },
  Firefox: {
    programs: ['firefox', 'firefox-esr'],
    options: profile => ['--headless', '--no-remote', '--profile', profile],
  },
}

const types = {
  '.html': 'text/html',
  '.mjs': 'text/javascript',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
}
const folders = ['dist/', 'bench/', 'target/wasm32-unknown-unknown/release/']
const patience = 10 * 60_000 // for one row: some peers take their time

await main(async args => {
  const { values: options } = parseArgs({
    args,
    options: {
      json: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      rounds: { type: 'string', default: '41' },
      record: { type: 'boolean', default: false },
    },
  })
  let measured = 0
  for (const name of Object.keys(browsers)) {
    const found = find(name)
    if (!found) {
      console.error(`NOT MEASURED  ${name}: none of ${browsers[name].programs.join(', ')} is installed`)
      continue
    }
    const result = await measureIn(name, found, options)
    if (options.json) console.log(JSON.stringify(result))
    if (options.record) writeRecord(result)
    if (result.skipped.length === 0 && result.rows.length > 0) measured++
  }
  return measured === Object.keys(browsers).length ? 0 : 1
})

function find(name) {
  for (const program of browsers[name].programs) {
    const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' })
    const version = /\d[\d.]*/.exec(stdout ?? '')?.[0]
    if (status === 0 && version) return { program, version }
  }
  return undefined
}

async function measureIn(name, { program, version }, { json, only, rounds }) {
  const result = {
    date: new Date().toISOString().slice(0, 10),
    engine: `${name} ${version.split('.')[0]}`,
    version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    rows: [],
    skipped: [],
  }
  const profile = mkdtempSync(join(tmpdir(), 'layer-rnn-bench-'))
  let finish
  const finished = new Promise(resolve => {
    finish = resolve
  })
  let timer
  const wait = () => {
    clearTimeout(timer)
    timer = setTimeout(finish, patience, `nothing was heard for ${patience / 60_000} minutes`)
  }
  const server = createServer(
    handler(message => {
      wait()
      if (message.about) Object.assign(result, message.about)
      if (message.about && !json) console.log(`\n${intro(result)}\n${heading()}`)
      if (message.row) result.rows.push(message.row)
      if (message.row && !json) console.log(line(message.row))
      if (message.skipped) result.skipped.push(message.skipped)
      if (message.skipped) console.error(`NOT MEASURED  ${message.skipped.shape}: ${message.skipped.why}`)
      if (message.done) finish()
      if (message.failed) finish(message.failed)
    }),
  )
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const query = new URLSearchParams({ only, rounds: String(Math.max(5, Number(rounds) || 41)) })
  const address = `http://127.0.0.1:${server.address().port}/bench/browser/page.html?${query}`
  say(`measuring in ${program} ${version}`)
  const browser = spawn(program, [...browsers[name].options(profile), address], { stdio: 'ignore' })
  const closed = new Promise(resolve => browser.on('close', resolve))
  browser.on('close', () => finish('the browser ended'))
  wait()
  const problem = await finished
  clearTimeout(timer)
  browser.kill()
  await closed
  server.close()
  server.closeAllConnections()
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  if (problem) {
    result.skipped.push({ shape: name, why: problem })
    console.error(`NOT MEASURED  ${name}: ${problem}`)
  }
  return result
}

/** Files of the repository, a row as ONNX, and what the page says. */
function handler(heard) {
  return (request, response) => {
    // With these the page's clock steps are 5 to 20 µs instead of 100 to 1000.
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
    const path = normalize(decodeURIComponent(new URL(request.url, 'http://page').pathname)).slice(1)
    if (request.method === 'POST') {
      let text = ''
      request.on('data', data => {
        text += data
      })
      request.on('end', () => {
        heard(JSON.parse(text))
        response.end()
      })
      return
    }
    try {
      const row = rows[/^onnx\/(\d+)$/.exec(path)?.[1]]
      if (!row && !folders.some(folder => path.startsWith(folder))) throw new Error('not served')
      const body = row ? onnxModel(row, weightsOf(row)) : readFileSync(join(root, path))
      response.setHeader('Content-Type', types[extname(path)] ?? 'application/octet-stream')
      response.end(body)
    } catch {
      response.writeHead(404).end()
    }
  }
}
