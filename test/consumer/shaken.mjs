// A page that makes one GRU carries no other layer, cell or initial list of them.
import assert from 'node:assert'
import { nodeResolve } from '@rollup/plugin-node-resolve'
import { rollup } from 'rollup'
import { carried } from './carried.mjs'

async function bundled(code) {
  const bundle = await rollup({
    input: 'page',
    external: id => /\bbytes\.js$/.test(id),
    plugins: [
      {
        name: 'page',
        resolveId: id => (id === 'page' ? id : undefined),
        load: id => (id === 'page' ? code : undefined),
      },
      nodeResolve({ rootDir: process.cwd() }),
    ],
  })
  const { output } = await bundle.generate({ format: 'es' })
  return output[0].code
}

const one = await bundled(`import { GRU, Input, Sequential } from 'layer-rnn'
export default new Sequential([new Input({ shape: [null, 3] }), new GRU({ units: 4 })])`)
assert.deepEqual(carried(one), ['GRU', 'GRUCell', 'InputLayer', 'Sequential', 'Functional'].sort())

// What reads configs carries them all.
for (const names of ["{ deserialize } from 'layer-rnn'", "{ loadModel } from 'layer-rnn/keras'"]) {
  const all = carried(await bundled(`export ${names}`))
  for (const name of ['GRU', 'LSTM', 'Bidirectional', 'CuDNNGRU', 'StackedRNNCells', 'Dense', 'Sequential'])
    assert.ok(all.includes(name), `${names} lacks ${name}`)
}
