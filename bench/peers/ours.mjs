import {
  Bidirectional,
  Dense,
  GRU,
  Input,
  LSTM,
  Sequential,
  SimpleRNN,
  sequenceMask,
} from '../../dist/index.js'
import { inputOf } from './rows.mjs'
import { runner } from './runner.mjs'

const classes = { LSTM, GRU, SimpleRNN }

/** The row in layer-rnn, as a user would write it. */
export async function prepare(row, weights) {
  const { batch, features, lengths, steps } = row
  const layers = row.layers.map(({ kind, merge, ...options }) => {
    if (kind === 'Dense') return new Dense(options)
    const layer = new classes[kind]({ ...options, returnSequences: true })
    return merge ? new Bidirectional({ layer, mergeMode: merge }) : layer
  })
  const model = new Sequential([Input({ shape: [row.stream ? null : steps, features] }), ...layers])
  for (const [index, layer] of layers.entries()) layer.setWeights(weights[index])
  const stream = row.stream ? model.stream({ batch }) : undefined
  const mask = lengths && sequenceMask(lengths, steps)
  const predict = data => model.predict(data, mask ? { mask, batchSize: batch } : { batchSize: batch }).data
  const advance = steps === 1 ? data => stream.step(data) : data => stream.steps(data)
  const answer = stream ? advance : predict
  return runner(model, stream, answer, inputOf(row))
}
