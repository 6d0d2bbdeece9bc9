/** Next.js with each of its bundlers: a route in Node, one in the edge runtime, and a page that is rendered here and there. */
import { spawn } from 'node:child_process'
import { cpSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { environment } from '../setup/run.mjs'
import { open } from './debugging.mjs'
import { app, attempt, output, tool } from './install.mjs'

const flags = { Turbopack: '--turbopack', webpack: '--webpack' }
const env = { NEXT_TELEMETRY_DISABLED: '1' }
const node = tool('node24/bin/node')
const command = tool('next/dist/bin/next')

/** Where Next.js finds itself and React above, and the programs and the package beside. */
const site = tool('../site')

export async function* next(wanted) {
  const { version } = JSON.parse(readFileSync(tool('next/package.json'), 'utf8'))
  for (const bundler of Object.keys(flags)) {
    const paths = ['node', 'edge', 'page'].filter(path => wanted(nameOf(bundler, path)))
    if (paths.length === 0) continue
    const started = serve(bundler)
    started.catch(() => {}) // each row says it
    for (const path of paths)
      yield attempt(nameOf(bundler, path), version, async () => answersAt(await started, path))
    await started.then(({ stop }) => stop()).catch(() => {})
  }
}

const nameOf = (bundler, path) => `Next.js with ${bundler}, ${path === 'page' ? path : `${path} route`}`

async function answersAt({ address }, path) {
  const response = await fetch(`${address}/${path === 'page' ? '' : path}`)
  const text = await response.text()
  if (!response.ok) throw new Error(`status ${response.status}`)
  return JSON.parse(path === 'page' ? text.match(/<main>(.*?)<\/main>/)[1].replaceAll('&quot;', '"') : text)
}

/** The page's answers in Chromium. */
export async function nextPage(child) {
  const { address, stop } = await serve('Turbopack')
  try {
    const { evaluate } = await open(child, `${address}/`, 'compute')
    return await evaluate('compute()')
  } finally {
    stop()
  }
}

/** Builds the site and serves it. */
async function serve(bundler) {
  rmSync(site, { recursive: true, force: true })
  cpSync(app, site, { recursive: true, filter: path => path !== join(app, 'out') })
  const cwd = join(site, 'next')
  await output(node, [command, 'build', flags[bundler]], { cwd, env })
  const child = spawn(node, [command, 'start', '--port', '0', '--hostname', '127.0.0.1'], {
    cwd,
    env: environment(env),
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  for await (const line of createInterface(child.stdout)) {
    const address = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0]
    if (address) return { address, stop: () => child.kill() }
  }
  throw new Error('next start ended')
}
