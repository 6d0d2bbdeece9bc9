import { spawn, spawnSync } from 'node:child_process'
import { homedir } from 'node:os'
import { delimiter, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
export const cache = join(root, '.cache')
export const cargoHome = process.env.CARGO_HOME ?? join(homedir(), '.cargo')

const windows = process.platform === 'win32'
const path = [join(root, 'node_modules', '.bin'), process.env.PATH, join(cargoHome, 'bin')].join(delimiter)

/** Ends the program with a sentence instead of a stack. */
export class Failure extends Error {
  constructor(message, status = 1) {
    super(message)
    this.status = status
  }
}

/** What is being done, on stderr: stdout belongs to the program that is started in the end. */
export function say(text) {
  process.stderr.write(`layer-rnn: ${text}\n`)
}

export function environment(changes = {}) {
  const env = { ...process.env, PATH: path, ...changes }
  for (const name of Object.keys(env)) if (env[name] === undefined) delete env[name]
  return env
}

/** Runs a command in the repository; its output goes to stderr unless `stdio` says otherwise. */
export function run(command, args, { env, stdio = ['ignore', 2, 2], cwd = root, input, errors } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: environment(env), stdio, shell: windows })
    let text = ''
    child.stdout?.on('data', data => {
      text += data
      input?.(data)
    })
    child.stderr?.on('data', data => errors?.push(data))
    child.on('error', error => reject(new Failure(`could not run ${command}: ${error.message}`)))
    child.on('close', (status, signal) => {
      if (status === 0) return resolve(text)
      const line = [command, ...args].map(word => relative(root, word) || word).join(' ')
      const failure = new Failure(
        `failed (${signal ?? `status ${status}`}): ${line.slice(0, 200)}`,
        status ?? 1,
      )
      failure.output = text
      reject(failure)
    })
  })
}

/** The first line that a command prints, or undefined when it is missing or fails. */
export function ask(command, args) {
  const { status, stdout } = spawnSync(command, args, {
    cwd: root,
    env: environment(),
    encoding: 'utf8',
    shell: windows,
  })
  return status === 0 ? stdout.trim().split('\n')[0] : undefined
}

/** Runs a script's main function and turns a Failure into one sentence and an exit status. */
export async function main(work) {
  try {
    process.exitCode = (await work(process.argv.slice(2))) ?? process.exitCode ?? 0
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    say(error.message)
    process.exitCode = error.status
  }
}
