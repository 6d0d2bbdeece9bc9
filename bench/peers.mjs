import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { build } from '../scripts/setup/build.mjs'
import { cache, Failure, main, root, run, say } from '../scripts/setup/run.mjs'
import { needPackages } from '../scripts/setup/tools.mjs'

const help = `npm run bench [-- options]   speed against onnxruntime-web and tfjs wasm, one thread each, in one interleaved run
  --json         one line of JSON: { node, cpu, peak, rows: [{ shape, ours, ortWeb?, tfjsWasm? }] }, medians in µs
  --node N       run with Node N (the npm package of its binary is put under .cache/)
  --only TEXT    the rows whose name contains TEXT
  --rounds N     how often each row is measured (default 21, at least 5)`

await main(async args => {
  if (args.includes('--help')) return console.log(help)
  await build()
  await needPackages('bench', 'the libraries to compare with, about 20 s')
  const node = await nodeOf(args[args.indexOf('--node') + 1], args.includes('--node'))
  const child = spawn(node, [join(root, 'bench/peers/main.mjs'), ...args], { cwd: root, stdio: 'inherit' })
  return new Promise(resolve => child.on('close', status => resolve(status ?? 1)))
})

/** The Node that was asked for: an npm package holds each version's binary. */
async function nodeOf(version, asked) {
  if (!asked) return process.execPath
  if (!/^\d+(\.\d+)*$/.test(version ?? '')) throw new Failure('--node wants a version, as in --node 24')
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const folder = join(cache, `node-${version}`)
  const program = join(
    folder,
    'node_modules',
    name,
    'bin',
    process.platform === 'win32' ? 'node.exe' : 'node',
  )
  if (!existsSync(program)) {
    say(`fetching Node ${version} (npm package ${name}, 200 MB, about 10 s)`)
    await run('npm', [
      'install',
      '--prefix',
      folder,
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      `${name}@${version}`,
    ])
  }
  return program
}
