/** What is measured beside the rows that peers have too: cells of one's own, gradients, and what comes before the first call. */

import { MinimalRNNCell, OpsLSTMCell } from '../../build/test/cells/support.js'
import { currentEngine } from '../../build/ts/engine/engine.js'
import {
  ConvLSTM2D,
  Dense,
  GRU,
  Input,
  LSTM,
  ops,
  RNN,
  Sequential,
  SimpleRNN,
  sequenceMask,
  tensor,
} from '../../build/ts/entry/index.js'
import { inputsOf, traceModel } from '../../build/ts/models/trace_model.js'
import { Trace } from '../../build/ts/ops/trace.js'
import { Variable } from '../../build/ts/tensor/tensor.js'
import { halves, inputOf } from './rows.mjs'
import { runner } from './runner.mjs'
import { convLSTM, minimalCell } from './tfjs_wasm.mjs'

const [features, units, steps] = [64, 128, 100]
const classes = { LSTM, GRU, SimpleRNN }

const builtIn = kind => new classes[kind]({ units, returnSequences: true })
const opsLSTM = () => new RNN({ cell: new OpsLSTMCell(units), returnSequences: true })
const minimalRNN = () => new RNN({ cell: new MinimalRNNCell(units), returnSequences: true })

const row = (name, kind, options, aim, makers) => {
  const shape = `${name} ${features}→${units}, ${options.steps === 1 ? 'one step' : `T=${steps}`}, batch ${options.batch}`
  return { shape, features, layers: [{ kind, units }], steps, stream: false, ...options, aim, makers }
}

/**
 * The first contestant's time is to be at most `aim` times the second's, or `aim` µs where it is alone and has nothing to answer;
 * with `longer` not its time, but how much longer it takes than the second.
 *
 * @type {({ shape: string, aim: number, makers: ((row: object, weights: Float32Array[][], tf: object) => object)[] })[]}
 */
export const ownRows = [
  ...[false, true].flatMap(gradient =>
    [1, 32].map(batch => {
      const how = { gradient }
      return row(`LSTM of ops${gradient ? ', gradient' : ''}`, 'LSTM', { batch }, 1 / 0.7, [
        (row, weights) => program('ours', opsLSTM(), row, weights, how),
        (row, weights) => program('builtIn', builtIn('LSTM'), row, weights, how),
      ])
    }),
  ),
  ...[steps, 1].map(steps =>
    row('MinimalRNNCell', 'SimpleRNN', { batch: 1, steps, stream: steps === 1 }, 1 / 100, [
      (row, weights) => model(minimalRNN(), row, withoutBias(weights)[0]),
      (row, weights, tf) => minimalCell(tf, row, withoutBias(weights)),
    ]),
  ),
  {
    shape: 'ConvLSTM2D 16×16×8→16, T=10, batch 1',
    aim: 1 / 10,
    ...{ features: 16 * 16 * 8, batch: 1, steps: 10 },
    makers: [row => convModel(row), (row, _, tf) => convLSTM(tf, { ...row, ...images }, imageWeights())],
  },
  // padded batches cost what their steps cost
  ...['LSTM', 'GRU'].map(kind =>
    row(`${kind}, half masked against all steps`, kind, { batch: 32, lengths: halves(32, steps) }, 0.55, [
      (row, weights) => model(builtIn(kind), row, weights[0], sequenceMask(row.lengths, steps)),
      (row, weights) => ({ ...model(builtIn(kind), row, weights[0]), name: 'allSteps' }),
    ]),
  ),
  // each answers with the outputs; the gradients of x and of the weights are what the first takes longer
  ...Object.keys(classes).map(kind =>
    row(`${kind}, gradient (both less forward)`, kind, { batch: 32, longer: true }, 2.5, [
      (row, weights) => program('ours', builtIn(kind), row, weights, { output: true, gradient: true }),
      (row, weights) => program('forward', builtIn(kind), row, weights, { output: true }),
    ]),
  ),
  ...[builtIn, opsLSTM].flatMap(layer => {
    const of = `two ${layer === builtIn ? 'LSTMs' : 'LSTMs of ops'} and a Dense`
    return [
      { shape: `trace of ${of}`, aim: 5000, makers: [() => traced(threeLayers(layer))] },
      { shape: `bind of ${of} to new sizes`, aim: 200, makers: [() => bound(threeLayers(layer))] },
    ]
  }),
]

const images = { shape: [16, 16, 8], filters: 16, kernelSize: 3 }

/** Kernel, recurrent kernel, bias. */
const imageWeights = () =>
  [9 * 8 * 64, 9 * 16 * 64, 64].map((features, i) =>
    inputOf({ features, batch: 1, steps: 1 }, 200 + i).map(x => 0.2 * x),
  )

function convModel({ batch, steps, features }) {
  const { shape, filters, kernelSize } = images
  const layer = new ConvLSTM2D({ filters, kernelSize, padding: 'same', returnSequences: true })
  const model = new Sequential([Input({ shape: [steps, ...shape] }), layer])
  layer.setWeights(imageWeights())
  const answer = data => model.predict(data).data
  return runner(model, undefined, answer, inputOf({ batch, steps, features }))
}

const withoutBias = ([[kernel, recurrent]]) => [[kernel, recurrent]]

/**
 * One program over a layer, traced once: its `output`, or without `gradient` that alone; with `gradient` those of sum(y · dy) by x and
 * the weights.
 */
function program(name, layer, row, weights, { gradient, output = !gradient }) {
  const { batch, steps } = row
  layer.build([batch, steps, features])
  layer.setWeights(weights[0])
  // as a variable, whose gradient is asked for with those of the weights
  const x = new Variable({ name: 'x', shape: [batch, steps, features] })
  const dy = tensor(inputOf({ ...row, features: units }, 100), [batch, steps, units])
  const traced = Trace.program(currentEngine(), 'predict', () => {
    if (!gradient) return [layer.apply(x)]
    let y
    const loss = () => {
      y = layer.apply(x)
      return ops.sum(ops.multiply(y, dy))
    }
    const gradients = ops.grad(loss, { variables: [x, ...layer.trainableWeights] })()
    return [...(output ? [y] : []), ...gradients]
  })
  const call = traced.bind([]).call([])
  const answers = output ? call.outputs.slice(0, 1) : call.outputs
  return {
    name,
    reset() {},
    run(data) {
      x.write(data)
      call.run()
      return Float32Array.from(answers.flatMap(answer => [...answer.view()]))
    },
    call: () => call.run(),
    dispose() {
      call.dispose()
      for (const tensor of [x, dy, ...call.outputs]) tensor.dispose()
      traced.dispose()
      layer.dispose()
    },
  }
}

/** A layer as a user would run it. */
function model(layer, { batch, steps, stream: isStream, ...row }, weights, mask) {
  const model = new Sequential([Input({ shape: [isStream ? null : steps, features] }), layer])
  layer.setWeights(weights)
  const stream = isStream ? model.stream({ batch }) : undefined
  const options = mask ? { mask, batchSize: batch } : { batchSize: batch }
  const answer = data => (stream ? stream.step(data) : model.predict(data, options).data)
  return runner(model, stream, answer, inputOf({ batch, steps, ...row }))
}

const threeLayers = layer =>
  new Sequential([Input({ shape: [null, features] }), layer('LSTM'), layer('LSTM'), new Dense({ units: 10 })])

const trace = model =>
  traceModel(
    model,
    'predict',
    inputsOf(model).map(({ shape, dtype }) => ({ shape, dtype })),
    [false],
  )

/** Traces the model anew in each call. */
function traced(model) {
  return {
    name: 'ours',
    call() {
      model.programs.dispose()
      trace(model)
    },
    dispose: () => model.dispose(),
  }
}

/** Binds the model's program to other sizes in each call: the engine keeps 16 plans, so that after 64 all have gone. */
function bound(model) {
  const { program } = trace(model)
  let size = 0
  return {
    name: 'ours',
    call() {
      size = (size + 1) % 64
      program.bind([[1 + (size % 8), 10 + size, features]])
    },
    dispose: () => model.dispose(),
  }
}
