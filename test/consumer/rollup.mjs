// What users of rollup get: a page in one file, and the wasm as a module through @rollup/plugin-wasm.
import assert from 'node:assert'
import { nodeResolve } from '@rollup/plugin-node-resolve'
import { wasm } from '@rollup/plugin-wasm'
import { rollup } from 'rollup'

const code = `
import { GRU, Input, Sequential } from 'layer-rnn'
import load from 'layer-rnn/layer_rnn.wasm'
const model = new Sequential([new Input({ shape: [null, 3] }), new GRU({ units: 4 })])
export const shape = model.predict(new Float32Array(6)).shape
export const module = load()
`
const bundle = await rollup({
  input: 'page',
  plugins: [
    {
      name: 'page',
      resolveId: id => (id === 'page' ? id : undefined),
      load: id => (id === 'page' ? code : undefined),
    },
    nodeResolve({ rootDir: process.cwd() }),
    wasm({ targetEnv: 'auto-inline' }),
  ],
})
const { output } = await bundle.generate({ format: 'es' })
assert.equal(output.length, 1)
const page = await import(`data:text/javascript;base64,${Buffer.from(output[0].code).toString('base64')}`)
assert.deepEqual(page.shape, [1, 4])
const exported = WebAssembly.Module.exports(await page.module).map(({ name }) => name)
assert.ok(exported.includes('call_run'))
