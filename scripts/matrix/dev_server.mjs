/** Vite's dev server, which bundles packages when a page first asks for them. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { open } from './debugging.mjs'
import { app, tool } from './install.mjs'

/** The answers of a page, with the wasm inside and with its address. */
export async function devServer(child) {
  writeFileSync(join(app, 'index.html'), '<!doctype html><script type="module" src="/dev.mjs"></script>')
  const { createServer } = await import(pathToFileURL(tool('vite/dist/node/index.js')))
  const host = { host: '127.0.0.1', port: 0 }
  const server = await createServer({ root: app, configFile: false, logLevel: 'error', server: host })
  try {
    await server.listen()
    const { evaluate } = await open(child, `http://127.0.0.1:${server.httpServer.address().port}/`, 'slim')
    const [answers, given] = [await evaluate('compute()'), await evaluate('slim()')]
    if (JSON.stringify(answers) !== JSON.stringify(given)) throw new Error('layer-rnn/slim has other answers')
    return answers
  } finally {
    await server.close()
  }
}
