/** The benchmark inside a page: what it finds is posted to the server, one message for each row. */
import * as ort from 'onnxruntime-web'
import { Machine } from '../peers/machine.mjs'
import * as ortWeb from '../peers/ort_web.mjs'
import * as ours from '../peers/ours.mjs'
import { measureRow, round } from '../peers/row.mjs'
import { rows, weightsOf } from '../peers/rows.mjs'
import * as tfjsWasm from '../peers/tfjs_wasm.mjs'

const { tf } = globalThis
const asked = new URLSearchParams(location.search)
const post = message => fetch('/result', { method: 'POST', body: JSON.stringify(message) })
const bytes = async path => new Uint8Array(await (await fetch(path)).arrayBuffer())

try {
  const kernels = await bytes('/target/wasm32-unknown-unknown/release/layer_rnn_bench.wasm')
  const machine = new Machine((await WebAssembly.instantiate(kernels)).instance.exports)
  await tfjsWasm.ready(tf, tf.wasm, '/bench/node_modules/@tensorflow/tfjs-backend-wasm/dist/')
  ortWeb.ready(ort)
  const peers = { ortWeb: ort.env.versions.web, tfjsWasm: tf.version.tfjs }
  await post({ about: { peak: round(machine.peak(), 3), peers } })
  for (const [index, row] of rows.entries()) {
    if (!row.shape.includes(asked.get('only') ?? '')) continue
    const weights = weightsOf(row)
    const makers = [
      () => ours.prepare(row, weights),
      async () => ortWeb.prepare(ort, row, await bytes(`/onnx/${index}`)),
      () => tfjsWasm.prepare(tf, row, weights),
    ]
    const rounds = row.slow ? 5 : Number(asked.get('rounds'))
    try {
      // A slice of many clock steps: pages see time in steps of 5 to 20 µs.
      await post({ row: await measureRow(row, makers, machine.boundOf(row), { rounds, slice: 8 }) })
    } catch (error) {
      await post({ skipped: { shape: row.shape, why: error.message } })
    }
  }
  await post({ done: true })
} catch (error) {
  await post({ failed: String(error?.stack ?? error) })
}
