import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { buildBenchKernels } from '../scripts/setup/build.mjs'
import { Failure, main, root } from '../scripts/setup/run.mjs'
import { nodeOf } from './node.mjs'

const help = `npm run bench:kernels [-- options]   the kernels' speed in percent of this machine's multiply-add peak
  --json         one line of JSON: { node, cpu, peak, rows: [{ kernel, shape, gflops, percentOfPeak }] }
  --node N       run with Node N (the npm package of its binary is put under .cache/)
  --only TEXT    the rows whose name contains TEXT
  --tiles        the tiles that were tried for the products, instead: bench/record/ keeps what they gave
  --rounds N     how often each row is measured (default 201, at least 5)`

await main(async args => {
  if (args.includes('--help')) return console.log(help)
  const rounds = args.includes('--rounds') ? Number(args[args.indexOf('--rounds') + 1]) : 201
  if (!(rounds >= 5)) throw new Failure('--rounds wants a number, 5 or more')
  await buildBenchKernels()
  const node = await nodeOf(args)
  const child = spawn(node, [join(root, 'bench/kernels/main.mjs'), ...args], { cwd: root, stdio: 'inherit' })
  return new Promise(resolve => child.on('close', status => resolve(status ?? 1)))
})
