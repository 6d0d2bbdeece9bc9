import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { locked } from './lock.mjs'
import { ask, cargoHome, root, run, say } from './run.mjs'
import { shrink } from './shrink.mjs'
import { digest, files, isDone, markDone } from './stamp.mjs'
import { needPackages, needRust, needTarget, needWasmPack } from './tools.mjs'

/**
 * Installs and builds what is missing or out of date, in order: npm packages, Rust's wasm target, wasm-pack, the wasm
 * file, its embedded form, TypeScript, the bundles. Steps that are done are recognized by a hash over what they read.
 */
export function build() {
  return locked(async () => {
    await needPackages()
    await step(
      'wasm',
      wasmInputs(),
      ['ts/generated/layer_rnn.js', ...builds.map(name => `ts/generated/${name}_bg.wasm`)],
      buildWasm,
    )
    await step(
      'embed',
      embedInputs(),
      ['ts/generated/bytes.ts', ...builds.map(name => `ts/generated/${name}.wasm`)],
      () => run(process.execPath, ['scripts/embed.mjs', stamp()]),
    )
    await step('tsc', typeScriptInputs(), ['build/ts/generated/layer_rnn.js'], buildTypeScript)
    await step('rollup', bundleInputs(), ['dist/index.js', 'dist/cli.js', 'dist/layer_rnn.wasm'], bundle)
  })
}

async function step(name, inputs, outputs, work) {
  const hash = digest(inputs)
  if (isDone(name, hash, outputs)) return
  await work()
  markDone(name, hash)
}

function wasmInputs() {
  const crates = ['kernels', 'engine', 'wasm'].flatMap(name => [
    `crates/${name}/Cargo.toml`,
    `crates/${name}/src`,
  ])
  const scripts = ['scripts/setup/build.mjs', 'scripts/setup/shrink.mjs', 'scripts/size/wasm_file.mjs']
  return files(['Cargo.toml', 'Cargo.lock', '.cargo/config.toml', ...crates, ...scripts])
}

/** Either RUSTFLAGS would replace .cargo/config.toml's simd128. */
const wasmEnvironment = { RUSTFLAGS: undefined, CARGO_ENCODED_RUSTFLAGS: undefined, CARGO_TERM_QUIET: 'true' }

async function buildWasm() {
  needRust()
  await needTarget()
  await needWasmPack()
  say(
    'compiling Rust to WebAssembly, 30 s; the first time wasm-pack compiles its own wasm-bindgen before it, 2 minutes',
  )
  const config = flagsConfig()
  await packWasm('.cache/infer', ['--no-default-features', '--config', config])
  await shrink('.cache/infer/layer_rnn_bg.wasm', 'ts/generated/layer_rnn_infer_bg.wasm')
  await packWasm('.cache/full', ['--config', config])
  await shrink('.cache/full/layer_rnn_bg.wasm', 'ts/generated/layer_rnn_bg.wasm')
  for (const name of ['layer_rnn.js', 'layer_rnn.d.ts', 'layer_rnn_bg.wasm.d.ts'])
    copy(`.cache/full/${name}`, `ts/generated/${name}`)
}

/** The wasm with all that the engine has, and the one for inference, whose glue is not needed. */
const builds = ['layer_rnn', 'layer_rnn_infer']

const packWasm = (folder, options) =>
  run(
    'wasm-pack',
    [
      ...['build', 'crates/wasm', '--target', 'web', '--release', '--no-pack'],
      ...['--out-dir', `../../${folder}`, '--out-name', 'layer_rnn', '--', ...options],
    ],
    { env: wasmEnvironment },
  )

/** The kernels alone as a wasm file of raw exports (crates/bench), for the benchmarks. */
export async function buildBenchKernels() {
  needRust()
  await needTarget()
  say('compiling the kernels for the benchmark')
  const target = ['--target', 'wasm32-unknown-unknown', '--release']
  await run('cargo', ['build', ...target, '-p', 'layer-rnn-bench'], { env: wasmEnvironment })
}

/**
 * Panic locations carry file names into the wasm: the machine's folders are taken out of them. Names get the form that
 * says all types, for the size report; the shipped file has none. Cargo joins this list with that of .cargo/config.toml.
 */
function flagsConfig() {
  const sysroot = ask('rustc', ['--print', 'sysroot'])
  const folders = { [homedir()]: '~', [cargoHome]: 'cargo', [sysroot]: 'rust', [root]: 'layer-rnn' } // the last match wins
  const flags = Object.entries(folders).map(([from, to]) =>
    JSON.stringify(`--remap-path-prefix=${from}=${to}`),
  )
  return `target.wasm32-unknown-unknown.rustflags=["-Csymbol-mangling-version=v0",${flags.join(',')}]`
}

const embedInputs = () =>
  files(['scripts/embed.mjs', 'package.json', ...builds.map(name => `ts/generated/${name}_bg.wasm`)])

/** What tells whether a wasm and a JavaScript belong together: the version, and a hash over what the wasm is made from. */
function stamp() {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return `${version} ${digest(wasmInputs()).slice(0, 8)}`
}

const isTypeScript = path => path.endsWith('.ts')

function typeScriptInputs() {
  const sources = files(['ts', 'test', 'bench', 'examples'], isTypeScript)
  return [
    ...sources,
    ...files(['tsconfig.json', 'node_modules/typescript/package.json', 'scripts/setup/build.mjs']),
  ]
}

async function buildTypeScript() {
  say('compiling TypeScript (2 s)')
  const sources = new Set(files(['ts', 'test', 'bench', 'examples'], isTypeScript))
  for (const path of files(['build'], path => /\.(d\.ts|js|js\.map)$/.test(path))) {
    const source = path.replace(/^build\//, '').replace(/\.(d\.ts|js|js\.map)$/, '.ts')
    if (!sources.has(source)) rmSync(join(root, path)) // its source is gone: an old test would still run
  }
  await run('tsc', ['-p', '.'])
  for (const name of ['layer_rnn.js', 'layer_rnn.d.ts'])
    copy(`ts/generated/${name}`, `build/ts/generated/${name}`)
}

const bundleInputs = () =>
  files(
    [
      'build/ts',
      ...builds.map(name => `ts/generated/${name}.wasm`),
      'rollup.config.mjs',
      'package.json',
      'scripts/setup/entries.mjs',
      'scripts/setup/build.mjs',
    ],
    path => !path.endsWith('.map'),
  )

async function bundle() {
  say('bundling (3 s)')
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  await run('rollup', ['-c', '--silent'])
  chmodSync(join(root, 'dist/cli.js'), 0o755)
  for (const path of files(['build/ts'], path => path.endsWith('.d.ts'))) {
    if (path.startsWith('build/ts/cli/')) continue // a program: nothing to import
    const to = path.replace('build/ts', 'dist/types')
    copy(path, to, asDeclaration)
    copy(path, to.replace(/ts$/, 'cts'), asCommonDeclaration)
  }
  writeFileSync(join(root, 'dist/layer_rnn.wasm.d.ts'), wasmDeclaration)
  for (const name of builds) copy(`ts/generated/${name}.wasm`, `dist/${name}.wasm`)
}

/** Consumers compile these files too: some without the DOM's types, some whose `lib` has no `Symbol.dispose`. */
function asDeclaration(text) {
  const reference = text.includes('Symbol.dispose')
    ? '/// <reference lib="esnext.disposable" preserve="true" />\n'
    : ''
  const glue = text.indexOf('export type InitInput') // from there on, wasm-bindgen's own loaders, which nothing uses
  const raw = /export interface InitOutput {.*?^}\n/ms.exec(text)?.[0].replace(/WebAssembly\.\w+/g, 'object')
  const own = glue < 0 ? text : text.slice(0, glue) + raw
  return reference + own.replace(/^\/\/# sourceMappingURL=.*\n?/m, '')
}

/** The same for CommonJS, whose files have names of their own. */
const asCommonDeclaration = text =>
  asDeclaration(text).replace(/(['"]\.{1,2}\/[^'"]*)\.js(?=['"])/g, '$1.cjs')

const wasmDeclaration = `/** What the bundler makes of the file: a WebAssembly.Module, an address, a function that loads it. */
declare const wasm: any
export default wasm
`

function copy(from, to, change) {
  mkdirSync(dirname(join(root, to)), { recursive: true })
  if (!change) copyFileSync(join(root, from), join(root, to))
  else if (existsSync(join(root, from)))
    writeFileSync(join(root, to), change(readFileSync(join(root, from), 'utf8')))
}
