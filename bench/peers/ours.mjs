import { Dense, GRU, Input, LSTM, Sequential, SimpleRNN } from '../../dist/index.js'
import { inputOf } from './rows.mjs'

const classes = { LSTM, GRU, SimpleRNN }

/** The row in layer-rnn, as a user would write it. */
export async function prepare(row, weights) {
  const { batch, features } = row
  const streams = row.steps === 'stream'
  const layers = row.layers.map(({ kind, ...options }) =>
    kind === 'Dense' ? new Dense(options) : new classes[kind]({ ...options, returnSequences: true }),
  )
  const model = new Sequential([Input({ shape: [streams ? null : row.steps, features] }), ...layers])
  for (const [index, layer] of layers.entries()) layer.setWeights(weights[index])
  const stream = streams ? model.stream({ batch }) : undefined
  const x = inputOf(row)
  return {
    name: 'ours',
    reset: () => stream?.resetStates(),
    run: data => Float32Array.from(stream ? stream.step(data) : model.predict(data).data),
    call: stream ? () => stream.step(x) : () => model.predict(x),
    dispose() {
      stream?.dispose()
      model.dispose()
    },
  }
}
