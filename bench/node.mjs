import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { cache, Failure, run, say } from '../scripts/setup/run.mjs'

const windows = process.platform === 'win32'

/** The program of the Node that `--node N` asks for (an npm package holds each version's binary), else this one. */
export async function nodeOf(args) {
  if (!args.includes('--node')) return process.execPath
  const version = args[args.indexOf('--node') + 1]
  if (!/^\d+(\.\d+)*$/.test(version ?? '')) throw new Failure('--node wants a version, as in --node 24')
  const name = `node-${windows ? 'win' : process.platform}-${process.arch}`
  const folder = join(cache, `node-${version}`)
  const program = join(folder, 'node_modules', name, 'bin', windows ? 'node.exe' : 'node')
  if (!existsSync(program)) {
    say(`fetching Node ${version} (npm package ${name}, 200 MB, about 10 s)`)
    const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
    await run('npm', ['install', '--prefix', folder, ...quiet, `${name}@${version}`])
  }
  return program
}
