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
  return contestant(tf, model, row)
}

/** The cell of Keras's documentation in tfjs, its one layer's weights given. */
export async function minimalCell(tf, row, weights) {
  const { batch, features, steps, stream, layers } = row
  const cell = new (minimalClass(tf))(layers[0].units)
  const layer = tf.layers.rnn({
    cell,
    returnSequences: true,
    stateful: stream,
    batchInputShape: [batch, steps, features],
  })
  const model = tf.sequential({ layers: [layer] })
  cell.setWeights(cell.getWeights().map((tensor, i) => tf.tensor(weights[0][i], tensor.shape)))
  return contestant(tf, model, row)
}

/** A ConvLSTM2D with padding over images of this `shape`. */
export async function convLSTM(tf, { shape, filters, kernelSize, ...row }, weights) {
  const batchInputShape = [row.batch, row.steps, ...shape]
  const padding = 'same'
  const how = {
    padding,
    recurrentInitializer: 'zeros',
    recurrentActivation: 'sigmoid',
    returnSequences: true,
  }
  const model = tf.sequential()
  model.add(tf.layers.convLstm2d({ filters, kernelSize, batchInputShape, ...how }))
  model.setWeights(model.getWeights().map((tensor, i) => tf.tensor(weights[i], tensor.shape)))
  return contestant(tf, model, row, batchInputShape)
}

const minimalClass = tf =>
  class MinimalRNNCell extends tf.layers.RNNCell {
    static className = 'MinimalRNNCell'

    constructor(units) {
      super({})
      this.stateSize = units
    }

    build([, features]) {
      const initializer = tf.initializers.zeros()
      this.kernel = this.addWeight('kernel', [features, this.stateSize], 'float32', initializer)
      this.recurrent = this.addWeight('recurrent', [this.stateSize, this.stateSize], 'float32', initializer)
      this.built = true
    }

    call([x, previous]) {
      return tf.tidy(() => {
        const output = tf.add(tf.matMul(x, this.kernel.read()), tf.matMul(previous, this.recurrent.read()))
        return [output, output]
      })
    }
  }

/** A cell of the gallery: `call(tf, weights, x, states, text)` gives the output and the states. */
export async function gallery(tf, { states, call }, row, { weights, text }) {
  const constant = text && tf.tensor(text.values, text.shape)
  class Cell extends tf.layers.RNNCell {
    static className = 'GalleryCell'
    stateSize = states

    build() {
      const initializer = tf.initializers.zeros()
      this.variables = weights.map(({ shape }, i) => this.addWeight(`${i}`, shape, 'float32', initializer))
      this.built = true
    }

    call([x, ...before]) {
      return tf.tidy(() => {
        const given = this.variables.map(variable => variable.read())
        return call(tf, given, x, before, constant)
      })
    }
  }
  const cell = new Cell({})
  const batchInputShape = [row.batch, row.steps, row.features]
  const layer = tf.layers.rnn({ cell, returnSequences: true, batchInputShape })
  const model = tf.sequential({ layers: [layer] })
  cell.setWeights(weights.map(({ shape, values }) => tf.tensor(values, shape)))
  return contestant(tf, model, row)
}

function contestant(tf, model, { batch, features, steps, stream, ...row }, shape = [batch, steps, features]) {
  let x = tf.tensor(inputOf({ batch, features, steps, ...row }), shape)
  return {
    name: 'tfjsWasm',
    reset: () => stream && model.resetStates(),
    async run(data) {
      const kept = x
      x = tf.tensor(data, shape)
      const result = this.call()
      x.dispose()
      x = kept
      return result
    },
    call() {
      const y = model.predict(x, { batchSize: x.shape[0] })
      const result = y.dataSync()
      y.dispose()
      return result
    },
    dispose: () => model.dispose(),
  }
}
