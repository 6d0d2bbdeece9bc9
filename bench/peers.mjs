import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { build, buildBenchKernels } from '../scripts/setup/build.mjs'
import { Failure, main, root } from '../scripts/setup/run.mjs'
import { needPackages } from '../scripts/setup/tools.mjs'
import { nodeOf } from './node.mjs'
import { writeReadme } from './peers/record.mjs'

const help = `npm run bench [-- options]   speed against onnxruntime-web and tfjs wasm, one thread each, in one interleaved run;
                 then of cells of one's own, of gradients, of what comes before the first call, and of the cells of examples/cells (in Node alone)
  --json         one line of JSON: { date, node, cpu, peak, peers, rows: [{ shape, ours, ortWeb?, tfjsWasm?, ratios, bound, first, p99, heap }],
                 own: [{ shape, ours, builtIn?, tfjsWasm?, allSteps?, forward?, ratios, aim, first, p99, heap }],
                 gallery: [{ shape, ours, tfjsWasm, ratios, aim, bound, first, p99, heap }] }, medians in µs, bytes
  --node N       run with Node N (the npm package of its binary is put under .cache/)
  --only TEXT    the rows whose name contains TEXT
  --rounds N     how often each row is measured (default 41, at least 5)
  --record       keeps the numbers under bench/record
  --browser      in Chromium and Firefox instead of Node, those that are installed; says what was not measured
  --readme       puts the newest record into README.md's table; alone it measures nothing`

await main(async args => {
  if (args.includes('--help')) return console.log(help)
  const readme = args.includes('--readme')
  const others = args.filter(arg => arg !== '--readme' && arg !== '--browser')
  if (readme && others.length === 0) return writeReadme()
  if (args.includes('--record') && args.includes('--only'))
    throw new Failure('a record has all rows: no --only')
  await build()
  await needPackages('bench', 'the libraries to compare with, about 20 s')
  await buildBenchKernels()
  const inBrowser = args.includes('--browser')
  const node = await nodeOf(args)
  const program = ['--expose-gc', join(root, `bench/${inBrowser ? 'browser' : 'peers'}/main.mjs`), ...others] // to see what a call allocates
  const child = spawn(node, program, { cwd: root, stdio: 'inherit' })
  const status = await new Promise(resolve => child.on('close', status => resolve(status ?? 1)))
  if (readme && status === 0) writeReadme()
  return status
})
