import { join } from 'node:path'
import { build } from './setup/build.mjs'
import { Failure, main, root, run, say } from './setup/run.mjs'
import { needRust, needTarget, needWasmPack } from './setup/tools.mjs'
import { cargoCounts, closing, record, sum, uvuCounts } from './tally.mjs'

const color = process.stdout.isTTY ? { CARGO_TERM_COLOR: 'always', FORCE_COLOR: '1' } : { NO_COLOR: '1' }

const suites = {
  /** Rust's tests, native; a word limits them to names that contain it. */
  async rust(words) {
    needRust()
    say('running the Rust tests (about a minute when they have to be compiled)')
    return [
      await suite('rust', cargoCounts, 'cargo', [
        'test',
        '--workspace',
        '--no-fail-fast',
        '--quiet',
        ...words,
      ]),
    ]
  },

  /** The same tests inside WebAssembly, with its SIMD. */
  async wasm(words) {
    needRust()
    await needTarget()
    await needWasmPack()
    say('running the Rust tests inside WebAssembly (about two minutes when they have to be compiled)')
    const counts = []
    for (const crate of ['kernels', 'engine']) {
      counts.push(
        await suite(`rust in wasm, ${crate}`, cargoCounts, 'wasm-pack', [
          'test',
          '--node',
          `crates/${crate}`,
          ...words,
        ]),
      )
    }
    return counts
  },

  /** TypeScript's tests; a word limits them to files whose path contains it. */
  async ts([word = '']) {
    await build()
    const uvu = join(root, 'node_modules/uvu/bin.js')
    // Math.random, from which weights without a seed come, has the same numbers in every run
    const args = ['--random-seed=1', uvu, 'build/test', `(${word}).*\\.test\\.js$`]
    return [await suite('typescript', uvuCounts, process.execPath, args)]
  },
}

async function suite(name, parse, command, args) {
  const env = { ...color, RUSTFLAGS: undefined } // RUSTFLAGS would replace .cargo/config.toml's simd128
  let text = ''
  let ended = true
  const input = data => process.stdout.write(data)
  try {
    text = await run(command, args, { env, stdio: ['ignore', 'pipe', 2], input })
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    text = error.output ?? ''
    ended = false
  }
  const counts = parse(text)
  if (!ended && counts.failed === 0) counts.failed = 1 // did not compile, or died before its closing line
  if (ended && counts.passed === 0) say(`no ${name} test ran`)
  record(name, counts)
  return counts
}

const usage = `npm test -- [rust] [ts] [wasm] [WORD]

Without names Rust's native tests and TypeScript's. WORD: Rust's tests whose name, and TypeScript's whose file contains it.`

await main(async args => {
  if (args.some(arg => arg.startsWith('-'))) {
    console.log(usage)
    return args.every(arg => arg === '--help' || arg === '-h') ? 0 : 1
  }
  const asked = args.filter(word => word in suites)
  const words = args.filter(word => !(word in suites))
  const counts = []
  for (const name of asked.length > 0 ? asked : ['rust', 'ts']) counts.push(...(await suites[name](words)))
  const total = sum(counts)
  console.log(closing(total))
  return total.failed > 0 || total.passed === 0 ? 1 : 0
})
