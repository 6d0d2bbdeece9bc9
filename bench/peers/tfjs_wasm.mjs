import { inputOf } from './rows.mjs'

/** Readies tfjs' wasm backend (SIMD, one thread), whose files lie in `folder`. */
export async function ready(tf, wasm, folder) {
  tf.env().set('PROD', true)
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false)
  wasm.setWasmPaths(folder)
  wasm.setThreadsCount(1)
  await tf.setBackend('wasm')
  await tf.ready()
}

/** The row in tfjs; null where tfjs has no such layer: a GRU that resets after the product. */
export async function prepare(tf, row, weights) {
  if (row.layers.some(({ kind, resetAfter = true }) => kind === 'GRU' && resetAfter)) return null
  const makers = { LSTM: tf.layers.lstm, GRU: tf.layers.gru, SimpleRNN: tf.layers.simpleRNN }
  const { batch, features, steps, stream } = row
  const model = tf.sequential()
  const shape = { batchInputShape: [batch, steps, features] }
  if (row.lengths) model.add(tf.layers.masking({ maskValue: 0, ...shape }))
  row.layers.forEach(({ kind, units, activation, merge }, index) => {
    const options = {
      units,
      recurrentInitializer: 'zeros',
      recurrentActivation: 'sigmoid',
      resetAfter: false,
      ...(activation && { activation }),
    }
    const place = index === 0 && !row.lengths ? shape : {}
    const recurrent = { ...options, returnSequences: true, stateful: stream, implementation: 2 }
    if (kind === 'Dense') model.add(tf.layers.dense({ ...options, ...place }))
    else if (merge)
      model.add(tf.layers.bidirectional({ layer: makers[kind](recurrent), mergeMode: merge, ...place }))
    else model.add(makers[kind]({ ...recurrent, ...place }))
  })
  const layers = model.layers.filter(layer => layer.getWeights().length > 0)
  layers.forEach((layer, index) => {
    layer.setWeights(layer.getWeights().map((tensor, i) => tf.tensor(weights[index][i], tensor.shape)))
  })
  let x = tf.tensor(inputOf(row), [batch, steps, features])
  return {
    name: 'tfjsWasm',
    reset: () => stream && model.resetStates(),
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
