import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { build, buildBenchKernels } from '../scripts/setup/build.mjs'
import { main, root } from '../scripts/setup/run.mjs'
import { needPackages } from '../scripts/setup/tools.mjs'
import { nodeOf } from './node.mjs'

const help = `npm run bench [-- options]   speed against onnxruntime-web and tfjs wasm, one thread each, in one interleaved run
  --json         one line of JSON: { node, cpu, peak, rows: [{ shape, ours, ortWeb?, tfjsWasm? }] }, medians in µs
  --node N       run with Node N (the npm package of its binary is put under .cache/)
  --only TEXT    the rows whose name contains TEXT
  --rounds N     how often each row is measured (default 41, at least 5)`

await main(async args => {
  if (args.includes('--help')) return console.log(help)
  await build()
  await needPackages('bench', 'the libraries to compare with, about 20 s')
  await buildBenchKernels()
  const node = await nodeOf(args)
  const child = spawn(node, [join(root, 'bench/peers/main.mjs'), ...args], { cwd: root, stdio: 'inherit' })
  return new Promise(resolve => child.on('close', status => resolve(status ?? 1)))
})
