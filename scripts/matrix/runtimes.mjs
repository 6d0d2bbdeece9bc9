/** Rows without a browser. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { VERSION } from 'rollup'
import { carried } from '../../test/consumer/carried.mjs'
import { bundlers, forNode, out } from './bundlers.mjs'
import { app, attempt, output, printed, tool } from './install.mjs'

const version = name => JSON.parse(readFileSync(tool(name, 'package.json'), 'utf8')).version

const nodes = ['20', '20.8', '22', '24', '26']

export async function* runtimes(wanted) {
  for (const node of nodes) {
    const program = tool(`node${node}`, 'bin/node')
    for (const [how, file] of [
      ['import', 'import.mjs'],
      ['require', 'require.cjs'],
      ['slim', 'slim.mjs'],
    ]) {
      // The very first row is what the others are compared with.
      if (!wanted(`Node ${node}, ${how}`) && !(node === '20' && how === 'import')) continue
      yield attempt(`Node ${node}, ${how}`, version(`node${node}`), async () => {
        const { shared, ...answers } = await printed(program, [file])
        // 20.8 cannot require modules: there are two copies, each whole.
        if (shared === false && node !== '20.8') throw new Error('require and import give two copies')
        return answers
      })
    }
  }
  const rows = {
    'Deno without permissions, import': ['deno', tool('deno/deno'), ['run', '--no-prompt', 'import.mjs']],
    'Deno, require': ['deno', tool('deno/deno'), ['run', '--no-prompt', '--allow-read', 'require.cjs']],
    'Bun, import': ['bun', tool('bun/bin/bun.exe'), ['import.mjs']],
    'Bun, require': ['bun', tool('bun/bin/bun.exe'), ['require.cjs']],
    workerd: ['workerd', ...workerd(out, 'layer_rnn.wasm')],
  }
  for (const [name, [from, program, args]] of Object.entries(rows)) {
    if (!wanted(name)) continue
    yield attempt(name, version(from), async () => {
      const { shared, ...answers } = await printed(program, args)
      if (shared === false) throw new Error('require and import give two copies')
      return answers
    })
  }
  if (wanted('wrangler')) yield attempt('wrangler', version('wrangler'), wranglerAnswers)
  for (const bundler of bundlers) {
    const name = `${bundler}, for Node`
    const its = bundler === 'rollup' ? VERSION : version(bundler)
    if (wanted(name)) yield attempt(name, its, () => printed(tool('node20/bin/node'), [forNode[bundler]]))
  }
  for (const bundler of bundlers) {
    const name = `${bundler}, a page with one GRU carries no other`
    if (wanted(name)) yield attempt(name, '', () => alone(join(out, bundler, 'one_gru.js')))
  }
  const edge = 'edge runtime, no code from bytes'
  if (wanted(edge)) yield attempt(edge, version('@edge-runtime/vm'), edgeAnswers)
}

/** Has no answers: what counts is what it does not carry. */
async function alone(file) {
  const known = ['Functional', 'GRU', 'GRUCell', 'InputLayer', 'Sequential']
  const others = carried(readFileSync(file, 'utf8')).filter(name => !known.includes(name))
  if (others.length > 0) throw new Error(`carries ${others.join(', ')}`)
}

/** The command that runs `workerd.js` of a folder, with the wasm that it imports. */
function workerd(folder, wasm) {
  const file = join(folder, 'config.capnp')
  writeFileSync(
    file,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "main", worker = .worker)]);
const worker :Workerd.Worker = (
  modules = [
    (name = "workerd.js", esModule = embed "workerd.js"),
    (name = "${wasm}", wasm = embed "${wasm}"),
  ],
  compatibilityDate = "2024-01-01",
);
`,
  )
  return [tool('workerd/bin/workerd'), ['test', file]]
}

/** What Cloudflare's own command would deploy. */
async function wranglerAnswers() {
  const folder = join(out, 'wrangler')
  const config = { name: 'matrix', main: join(app, 'workerd.mjs'), compatibility_date: '2024-01-01' }
  writeFileSync(join(app, 'wrangler.json'), JSON.stringify(config))
  const env = { WRANGLER_SEND_METRICS: 'false', CI: '1' }
  const args = [tool('wrangler/bin/wrangler.js'), 'deploy', '--dry-run', '--outdir', folder]
  await output(tool('node24/bin/node'), args, { env })
  const wasm = readdirSync(folder).find(name => name.endsWith('.wasm'))
  return printed(...workerd(folder, wasm))
}

async function edgeAnswers() {
  const { EdgeVM } = await import(pathToFileURL(tool('@edge-runtime/vm/dist/index.js')))
  const vm = new EdgeVM({
    codeGeneration: { strings: false, wasm: false },
    extend(context) {
      const bytes = readFileSync(join(app, 'node_modules/layer-rnn/dist/layer_rnn.wasm'))
      context.layerRnnModule = new WebAssembly.Module(bytes)
      return context
    },
  })
  const code = readFileSync(join(out, 'edge.js'), 'utf8')
  return JSON.parse(vm.evaluate(`${code}\nJSON.stringify(program.compute())`))
}
