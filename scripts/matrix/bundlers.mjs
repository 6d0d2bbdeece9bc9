/** The programs of test/matrix through each bundler, as users call it: no plugin, no setting for the package. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { nodeResolve } from '@rollup/plugin-node-resolve'
import { rollup } from 'rollup'
import { app, tool } from './install.mjs'

/** Each has a folder of its name in `out`. */
export const bundlers = ['esbuild', 'rollup', 'webpack', 'vite']

/** The bundles, in a folder for each bundler. */
export const out = join(app, 'out')

/** Programs that every bundler bundles. */
const programs = ['page', 'processor', 'processor_slim', 'one_gru']
const inputs = names => Object.fromEntries(names.map(name => [name, join(app, `${name}.mjs`)]))

const require = createRequire(tool('x.cjs'))
const load = name => import(pathToFileURL(require.resolve(name)))

export async function bundle() {
  mkdirSync(out, { recursive: true })
  const { build: esbuild } = await load('esbuild')
  const common = { bundle: true, absWorkingDir: app, logLevel: 'error', outdir: out }
  await esbuild({ ...common, entryPoints: inputs(programs), format: 'esm', outdir: join(out, 'esbuild') })
  const own = [
    'processor_global',
    'service_worker',
    'extension',
    'audio',
    'processor_stream',
    'quanta',
    'processor_timed',
  ]
  await esbuild({ ...common, entryPoints: inputs(own), format: 'esm' })
  const script = { globalName: 'matrixAnswers', format: 'iife' }
  await esbuild({ ...common, ...script, entryPoints: { answers: join(app, 'answers_script.mjs') } })
  const wasm = { ...common, loader: { '.wasm': 'copy' }, assetNames: '[name]' }
  await esbuild({
    ...wasm,
    entryPoints: inputs(['workerd']),
    format: 'esm',
    conditions: ['workerd', 'worker'],
  })
  await esbuild({
    ...common,
    ...{ format: 'iife', globalName: 'program', conditions: ['edge-light'] },
    entryPoints: { edge: join(app, 'inline.mjs') },
    plugins: [{ name: 'edge', setup: asGlobal }],
  })

  await bundleRollup('rollup', programs, [])
  const { wasm: pluginWasm } = await load('@rollup/plugin-wasm')
  await bundleRollup('rollup', ['rollup_wasm'], [pluginWasm({ targetEnv: 'auto-inline' })])
  const { default: webpack } = await load('webpack')
  await runWebpack(webpack, {
    entry: inputs(programs),
    target: ['web', 'es2022'],
    output: { path: join(out, 'webpack'), filename: '[name].js' },
  })
  const { build } = await import(pathToFileURL(tool('vite/dist/node/index.js')))
  for (const name of programs) await bundleVite(build, name) // alone, or they would share a file
  await bundleForNode(esbuild, webpack, build)
}

/** By bundler, a file that Node runs: everything inside, as servers are shipped. */
export const forNode = {
  esbuild: join(out, 'node/esbuild.cjs'),
  rollup: join(out, 'node/rollup.cjs'),
  webpack: join(out, 'node/webpack.cjs'),
  vite: join(out, 'node/vite.mjs'),
}

async function bundleForNode(esbuild, webpack, vite) {
  const input = join(app, 'import.mjs')
  const [entryPoints, logLevel] = [[input], 'error']
  await esbuild({ entryPoints, logLevel, bundle: true, platform: 'node', outfile: forNode.esbuild })
  const bundled = await rollup({ input, plugins: [nodeResolve()] })
  await bundled.write({ file: forNode.rollup, format: 'cjs' })
  await bundled.close()
  const output = { path: join(out, 'node'), filename: 'webpack.cjs' }
  await runWebpack(webpack, { entry: input, target: 'node20', output })
  await vite({
    ...{ root: app, configFile: false, logLevel },
    ssr: { noExternal: true },
    build: {
      ...{ ssr: true, outDir: join(out, 'node'), emptyOutDir: false },
      rolldownOptions: { input, output: { entryFileNames: 'vite.mjs' } },
    },
  })
}

/** As edge hosts do with `?module`: the compiled module is there, its bytes are not. */
function asGlobal({ onResolve, onLoad }) {
  onResolve({ filter: /\.wasm\?module$/ }, ({ path }) => ({ path, namespace: 'edge' }))
  onLoad({ filter: /./, namespace: 'edge' }, () => ({ contents: 'export default globalThis.layerRnnModule' }))
}

async function bundleRollup(folder, names, plugins) {
  for (const name of names) {
    const bundled = await rollup({ input: join(app, `${name}.mjs`), plugins: [nodeResolve(), ...plugins] })
    await bundled.write({ file: join(out, folder, `${name}.js`), format: 'es' })
    await bundled.close()
  }
}

function runWebpack(webpack, own) {
  const options = { mode: 'production', context: app, performance: { hints: false }, ...own }
  return new Promise((resolve, reject) =>
    webpack(options, (error, stats) => {
      if (error ?? stats.hasErrors()) reject(error ?? new Error(stats.toString('errors-only')))
      else resolve()
    }),
  )
}

async function bundleVite(build, name) {
  await build({
    root: app,
    configFile: false,
    logLevel: 'error',
    build: {
      outDir: join(out, 'vite'),
      emptyOutDir: false,
      modulePreload: false,
      rolldownOptions: {
        input: inputs([name]),
        output: { entryFileNames: '[name].js' },
        preserveEntrySignatures: 'strict',
      },
    },
  })
}

/** An extension whose service worker computes and sends its answers to `server`. */
export function extension(server) {
  const folder = join(out, 'mv3')
  mkdirSync(folder, { recursive: true })
  cpSync(join(out, 'extension.js'), join(folder, 'bundle.js'))
  writeFileSync(join(folder, 'worker.js'), `globalThis.matrixServer = '${server}'\nimport './bundle.js'\n`)
  const policy = "script-src 'self' 'wasm-unsafe-eval'; object-src 'self'"
  const manifest = {
    manifest_version: 3,
    name: 'matrix',
    version: '1',
    background: { service_worker: 'worker.js', type: 'module' },
    host_permissions: ['http://127.0.0.1/*'],
    content_security_policy: { extension_pages: policy },
  }
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest))
  return folder
}
