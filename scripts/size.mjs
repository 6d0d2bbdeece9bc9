import { readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { build } from './setup/build.mjs'
import { cache, cargoHome, Failure, main, root, run } from './setup/run.mjs'
import { shrink } from './setup/shrink.mjs'
import { bundled, sizes } from './size/bundle.mjs'
import { isPanic, readWasm, texts } from './size/wasm_file.mjs'
import { closing, record } from './tally.mjs'

const file = join(root, 'size-budget.json')

/** How much an entry may grow unexplained since its size was last recorded. */
const growth = 1.02

const page = names => `import { ${names} } from 'layer-rnn'; globalThis.use = [${names}]`

/** What is measured, by the name that size-budget.json uses. */
const groups = {
  tarball,
  'layer_rnn.wasm': () => readFileSync(join(root, 'dist/layer_rnn.wasm')),
  'layer_rnn_infer.wasm': () => readFileSync(join(root, 'dist/layer_rnn_infer.wasm')),
  'layer-rnn, without the wasm': () => bundled(`export * from 'layer-rnn'`, { withBytes: false }),
  'layer-rnn/infer, without the wasm': () => bundled(`export * from 'layer-rnn/infer'`, { withBytes: false }),
  'layer-rnn': () => bundled(`export * from 'layer-rnn'`),
  'layer-rnn/infer': () => bundled(`export * from 'layer-rnn/infer'`),
  'layer-rnn/keras, without the wasm': () => bundled(`export * from 'layer-rnn/keras'`, { withBytes: false }),
  'layer-rnn/ops, without the wasm': () => bundled(`export * from 'layer-rnn/ops'`, { withBytes: false }),
  'layer-rnn/worklet, without the wasm': () =>
    bundled(`export * from 'layer-rnn/worklet'`, { withBytes: false }),
  'layer-rnn/slim': () => bundled(`export * from 'layer-rnn/slim'`),
  'layer-rnn/slim/worklet': () => bundled(`export * from 'layer-rnn/slim/worklet'`),
  'layer-rnn/global': () => readFileSync(join(root, 'dist/global.js')),
  'a page with one GRU, without the wasm': () =>
    bundled(page('Sequential, Input, GRU'), { withBytes: false }),
}

/** What npm packs; it is compressed already. */
async function tarball() {
  const packed = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', cache], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [{ filename }] = Object.values(JSON.parse(packed))
  return readFileSync(join(cache, filename))
}

await main(async args => {
  await build()
  const budget = JSON.parse(readFileSync(file, 'utf8'))
  const entries = []
  for (const [name, make] of Object.entries(groups))
    entries.push({ name, ...budget.gzip[name], ...sizes(await make()) })
  if (args.includes('--record')) return keep(budget, entries, args[args.indexOf('--record') + 1])
  const wasm = await inspect()
  const gates = [
    ...entries.map(({ name, gzip, budget: limit }) => [
      gzip <= limit,
      `${name}: ${gzip} B gzip, at most ${limit}`,
    ]),
    ...entries.map(({ name, gzip, recorded }) => [
      gzip <= recorded * growth,
      `${name}: ${gzip} B gzip, recorded were ${recorded}; npm run size -- --record "why it grew"`,
    ]),
    [
      wasm.panics <= budget.panics,
      `panics, formatting and their texts: ${wasm.panics} B, at most ${budget.panics}`,
    ],
    [wasm.simd > 0, 'the wasm multiplies vectors'],
    [wasm.relaxed === 0, 'the wasm has no relaxed instruction: the same bits everywhere'],
    [wasm.valid, `the wasm is valid in Node ${process.versions.node}`],
    [
      wasm.folders.length === 0,
      `the wasm names no folder of this machine${wasm.folders.map(text => `: ${text}`)}`,
    ],
  ]
  const failed = gates.filter(([good]) => !good)
  if (args.includes('--json')) console.log(JSON.stringify({ entries, wasm }))
  else print(entries, wasm)
  for (const [, text] of failed) console.error(`exceeded: ${text}`)
  const counts = { passed: gates.length - failed.length, failed: failed.length }
  record('sizes', counts)
  if (!args.includes('--json')) console.log(`\n${closing(counts)}`)
  return failed.length > 0 ? 1 : 0
})

/** Writes the sizes down, and with those that grew why. */
function keep(budget, entries, why) {
  if (!why || why.startsWith('-')) throw new Failure('npm run size -- --record "why it grew"')
  for (const { name, gzip, recorded } of entries) {
    const grown = gzip > recorded * growth
    Object.assign(budget.gzip[name], { recorded: gzip, ...(grown && { why }) })
  }
  writeFileSync(file, `${JSON.stringify(budget, null, 2)}\n`)
  return 0
}

/** Facts about the shipped wasm, and the functions of both builds by size. */
async function inspect() {
  const bytes = readFileSync(join(root, 'dist/layer_rnn.wasm'))
  const valid = WebAssembly.validate(bytes)
  if (!valid) throw new Failure(`dist/layer_rnn.wasm is not valid in Node ${process.versions.node}`)
  const module = new WebAssembly.Module(bytes)
  const assembly = await run('wasm-dis', ['dist/layer_rnn.wasm'], { stdio: ['ignore', 'pipe', 2] })
  const count = pattern => assembly.match(pattern)?.length ?? 0

  const functions = await namedFunctions('full')
  const messages = texts(readWasm(bytes).data)
  const panicCode = functions.filter(({ name }) => isPanic(name)).reduce((sum, { size }) => sum + size, 0)

  const wholeText = bytes.toString('latin1')
  return {
    functions,
    inferFunctions: await namedFunctions('infer'),
    exports: WebAssembly.Module.exports(module).map(({ name }) => name),
    imports: WebAssembly.Module.imports(module).map(({ name }) => name),
    simd: count(/f32x4\.mul/g),
    relaxed: count(/relaxed/g),
    panics: panicCode + messages.reduce((sum, message) => sum + message.length, 0),
    texts: messages,
    valid,
    folders: [root, homedir(), cargoHome].filter(
      folder => folder.length > 1 && wholeText.includes(`${folder}/`),
    ),
  }
}

/** The functions of a build by size, from the same code before its names are removed. */
async function namedFunctions(build) {
  const named = `.cache/${build}.wasm`
  await shrink(`.cache/${build}/layer_rnn_bg.wasm`, named, '-g')
  return readWasm(readFileSync(join(root, named))).functions
}

function print(entries, { functions, inferFunctions, exports, imports, panics, texts, simd }) {
  const number = value => String(value).padStart(9)
  console.log(
    `${'bytes'.padEnd(40)}${['raw', 'gzip', 'brotli', 'aim', 'budget', 'recorded'].map(title => title.padStart(9)).join('')}`,
  )
  for (const { name, raw, gzip, brotli, aim, budget, recorded } of entries) {
    console.log(`${name.padEnd(40)}${[raw, gzip, brotli, aim ?? '–', budget, recorded].map(number).join('')}`)
  }
  for (const [build, all] of [
    ['wasm', functions],
    ['infer wasm', inferFunctions],
  ]) {
    console.log(`\nmodules of the ${build}, bytes of code`)
    for (const [name, size] of modules(all).slice(0, 20)) console.log(`${number(size)}  ${name}`)
    console.log(`\nthe largest functions of the ${build}, bytes`)
    for (const { name, size } of all.slice(0, 30)) console.log(`${number(size)}  ${name.slice(0, 98)}`)
  }
  console.log(`\npanics, formatting and their texts: ${panics} B`)
  for (const text of texts) console.log(`  ${JSON.stringify(text.slice(0, 100))}`)
  console.log(
    `\n${simd} vector multiplications; ${functions.length} functions; ${imports.length} imports: ${imports.join(' ')}`,
  )
  console.log(`${exports.length} exports: ${exports.join(' ')}`)
}

function modules(functions) {
  const sums = new Map()
  for (const { name, size } of functions) {
    const module = name.includes('::')
      ? name
          .replace(/^[<&]+/, '')
          .split('::')
          .slice(0, 3)
          .join('::')
          .replace(/::[A-Z].*/, '')
      : 'exports'
    sums.set(module, (sums.get(module) ?? 0) + size)
  }
  return [...sums].sort((a, b) => b[1] - a[1])
}
