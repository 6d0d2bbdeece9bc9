/** The packed package in a project of its own, with the programs of test/matrix beside it, and the tools of all rows. */
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cache, Failure, root, run, say } from '../setup/run.mjs'

const folder = join(cache, 'matrix')

/** Where the package is installed. */
export const app = join(folder, 'app')

/** A file of the installed tools. */
export const tool = (...path) => join(folder, 'tools/node_modules', ...path)

const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
let tarball = ''

export async function install() {
  const tools = join(folder, 'tools')
  mkdirSync(tools, { recursive: true })
  const list = join(root, 'scripts/matrix/package.json')
  const installed = join(tools, 'package.json')
  const done = join(tools, 'installed.json')
  const text = readFileSync(list, 'utf8')
  if (!existsSync(done) || readFileSync(done, 'utf8') !== text) {
    say('fetching runtimes and bundlers into .cache/matrix, 1.4 GB, a minute')
    copyFileSync(list, installed)
    await run('npm', ['install', ...quiet], { cwd: tools })
    writeFileSync(done, text)
  }

  rmSync(app, { recursive: true, force: true })
  cpSync(join(root, 'test/matrix'), app, { recursive: true })
  const model = readFileSync(join(root, 'test/fixtures/models/single_keras3.keras'))
  writeFileSync(join(app, 'model.mjs'), `export default new Uint8Array([${[...model]}])\n`)
  writeFileSync(join(app, 'package.json'), '{ "private": true }')
  writeFileSync(join(app, 'tsconfig.json'), '{}') // bundlers would read ours, whose paths lead to the sources
  const packed = JSON.parse(
    await run('npm', ['pack', '--json', '--pack-destination', app], { stdio: ['ignore', 'pipe', 'ignore'] }),
  )
  tarball = join(app, (Array.isArray(packed) ? packed : Object.values(packed))[0].filename)
  await run('npm', ['install', ...quiet, '--no-save', tarball], { cwd: app })
}

/** What the checkers of packages say of the tarball. */
export async function* packages(wanted) {
  const checks = [
    ['publint', [tool('publint/src/cli.js'), tarball, '--strict']],
    [
      'arethetypeswrong',
      [
        tool('@arethetypeswrong/cli/dist/index.js'),
        tarball,
        ...[
          '--profile',
          'node16',
          '--exclude-entrypoints',
          './global',
          './layer_rnn.wasm',
          './layer_rnn_infer.wasm',
        ],
      ],
    ],
  ]
  for (const [name, args] of checks)
    if (wanted(name)) yield attempt(name, versionOf(args[0]), () => output(process.execPath, args))
}

/** The version of the package that holds a file of the tools. */
function versionOf(file) {
  const [, name] = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file.slice(file.lastIndexOf('/node_modules/')))
  return JSON.parse(readFileSync(tool(name, 'package.json'), 'utf8')).version
}

/** A row: what `work` gives as answers, or its error. */
export async function attempt(name, version, work) {
  try {
    const answers = await work()
    return { name, version, answers: typeof answers === 'object' ? answers : undefined }
  } catch (error) {
    return {
      name,
      version,
      error: error instanceof Failure ? `${error.message} ${error.output ?? ''}` : String(error),
    }
  }
}

/** What a program prints; its errors are part of a Failure. */
export async function output(command, args, options = {}) {
  const errors = []
  try {
    return await run(command, args, { cwd: app, stdio: ['ignore', 'pipe', 'pipe'], errors, ...options })
  } catch (error) {
    if (error instanceof Failure) error.output = `${error.output} ${errors.join('')}`
    throw error
  }
}

/** The answers that a program prints in its last line that is JSON. */
export async function printed(command, args, options) {
  const text = await output(command, args, options)
  const line = text.split('\n').findLast(each => each.startsWith('{'))
  if (!line) throw new Failure(`no answers in: ${text}`)
  return JSON.parse(line)
}
