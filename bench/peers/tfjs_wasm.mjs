import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { inputOf } from './rows.mjs'

const require = createRequire(import.meta.url)
const tf = require('@tensorflow/tfjs')
const wasm = require('@tensorflow/tfjs-backend-wasm')

tf.env().set('PROD', true)
tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false)
wasm.setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`)
wasm.setThreadsCount(1)
await tf.setBackend('wasm')
await tf.ready()

const makers = { LSTM: tf.layers.lstm, GRU: tf.layers.gru, SimpleRNN: tf.layers.simpleRNN }

/** The row in tfjs' wasm backend (SIMD, one thread); null where tfjs has no such layer: a GRU that resets after the product. */
export async function prepare(row, weights) {
  if (row.layers.some(({ kind, resetAfter = true }) => kind === 'GRU' && resetAfter)) return null
  const { batch, features } = row
  const streams = row.steps === 'stream'
  const steps = streams ? 1 : row.steps
  const model = tf.sequential()
  row.layers.forEach(({ kind, units, activation }, index) => {
    const options = {
      units,
      recurrentInitializer: 'zeros',
      recurrentActivation: 'sigmoid',
      resetAfter: false,
    }
    if (index === 0) options.batchInputShape = [batch, steps, features]
    if (activation) options.activation = activation
    const recurrent = { ...options, returnSequences: true, stateful: streams, implementation: 2 }
    model.add(kind === 'Dense' ? tf.layers.dense(options) : makers[kind](recurrent))
  })
  model.layers.forEach((layer, index) => {
    layer.setWeights(layer.getWeights().map((tensor, i) => tf.tensor(weights[index][i], tensor.shape)))
  })
  let x = tf.tensor(inputOf(row), [batch, steps, features])
  return {
    name: 'tfjsWasm',
    reset: () => streams && model.resetStates(),
    async run(data) {
      const kept = x
      x = tf.tensor(data, [batch, steps, features])
      const result = this.call()
      x.dispose()
      x = kept
      return result
    },
    call() {
      const y = model.predict(x)
      const result = y.dataSync()
      y.dispose()
      return result
    },
    dispose: () => model.dispose(),
  }
}
