/**
 * What is measured. A row is a stack of layers; a call gives it `steps` time steps for each of `batch` sequences. In a `stream` the
 * states are carried from call to call. `lengths`: only so many steps of each sequence count, the rest is masked.
 * Layers have Keras's names and defaults: sigmoid gates, GRU with the reset after the product. `merge`: both directions.
 *
 * @typedef {{ kind: 'LSTM' | 'GRU' | 'SimpleRNN' | 'Dense', units: number, activation?: string, resetAfter?: boolean,
 *   merge?: 'concat' | 'sum' }} Layer
 * @typedef {{ shape: string, features: number, layers: Layer[], batch: number, steps: number, stream: boolean, lengths?: number[],
 *   weights?: Float32Array[][], realTime?: number, slow?: boolean }} Row
 */

const row = (shape, features, layers, { steps = 1, batch = 1, stream = false, ...rest } = {}) => ({
  shape,
  features,
  layers,
  batch,
  steps,
  stream,
  ...rest,
})

const sequence = (kind, features, units, steps, batch, options = {}) =>
  row(
    `${kind}${options.resetAfter === false ? ' (reset before)' : ''} ${features}→${units}, T=${steps}, batch ${batch}`,
    features,
    [{ kind, units, ...options }],
    { steps, batch },
  )

/** Layers of these units in a row, one step at a time; `by` is what they are in deployment. */
const step = (kind, sizes, by, { batch = 1, ...options } = {}) => {
  const [features, ...units] = sizes
  const name = `${kind} ${options.activation ? `${options.activation} ` : ''}${sizes.join('→')}`
  return row(
    `${name}${batch > 1 ? ` batch ${batch}` : ''}, one step (${by})`,
    features,
    units.map(each => ({ kind, units: each, ...options })),
    { batch, stream: true },
  )
}

const block = (kind, features, units, steps, by) =>
  row(`${kind} ${features}→${units}, block of ${steps} steps (${by})`, features, [{ kind, units }], {
    steps,
    stream: true,
  })

/** Lengths from none to all of the steps, half of them on the average. */
export const halves = (batch, steps) =>
  Array.from({ length: batch }, (_, i) => Math.round((i * steps) / (batch - 1)))

const families = ['LSTM', 'GRU', 'SimpleRNN']

/** @type {Row[]} */
export const rows = [
  block('LSTM', 1, 40, 128, 'guitar amplifier'),
  block('LSTM', 1, 16, 128, 'guitar amplifier, small'),
  step('GRU', [8, 8], 'speech enhancement over bins', { batch: 33 }),
  step('LSTM', [25, 64], 'sign language detector'),
  step('LSTM', [64, 128], 'many streams', { batch: 1000 }),
  step('LSTM', [128, 128], 'voice activity'),
  step('GRU', [114, 96], 'noise suppression', { activation: 'relu', resetAfter: false }),
  step('LSTM', [257, 128, 128], 'noise suppression, two layers'),
  step('GRU', [384, 384, 384, 384], 'noise suppression, large'),
  step('LSTM', [5, 512], 'sketches'),
  row(
    'BiLSTM 16→23, T=200, batch 1 (word segmentation)',
    16,
    [{ kind: 'LSTM', units: 23, merge: 'concat' }],
    {
      steps: 200,
    },
  ),
  row(
    '2 × BiLSTM 400 sum, T=80, batch 32, half masked (diacritics)',
    400,
    [
      { kind: 'LSTM', units: 400, merge: 'sum' },
      { kind: 'LSTM', units: 400, merge: 'sum' },
    ],
    { steps: 80, batch: 32, lengths: halves(32, 80), slow: true },
  ),
  row(
    'LSTM relu 1662→64→128→64, T=30, batch 1 (gestures)',
    1662,
    [64, 128, 64].map(units => ({ kind: 'LSTM', units, activation: 'relu' })),
    { steps: 30 },
  ),
  ...families.flatMap(kind => [1, 32].map(batch => sequence(kind, 64, 128, 100, batch))),
  sequence('GRU', 64, 128, 100, 1, { resetAfter: false }),
]

const gates = { LSTM: 4, GRU: 3, SimpleRNN: 1, Dense: 1 }

/** Of each layer, and direction, the numbers of its kernel and recurrent kernel; of what is written with ops `matrices` says them, used at so many places. */
function products({ features, layers, matrices }) {
  if (matrices) return matrices
  let inputs = features
  return layers.flatMap(({ kind, units, merge }) => {
    const one = {
      kernel: gates[kind] * units * inputs,
      recurrent: kind === 'Dense' ? 0 : gates[kind] * units * units,
    }
    inputs = merge === 'concat' ? 2 * units : units
    return merge ? [one, one] : [one]
  })
}

const sum = (list, of) => list.reduce((total, each) => total + of(each), 0)

/** Multiplications and additions of one call, the matrix products alone; masked steps are none. */
export function flops(row) {
  const steps = row.lengths ? sum(row.lengths, length => length) : row.batch * row.steps
  return 2 * steps * sum(products(row), ({ kernel, recurrent, places = 1 }) => places * (kernel + recurrent))
}

/** The weights, and how many must be read in one call: recurrent ones anew in every step, others once. */
export function weightsRead(row) {
  return {
    all: sum(products(row), ({ kernel, recurrent }) => kernel + recurrent),
    read: sum(products(row), ({ kernel, recurrent }) => kernel + row.steps * recurrent),
  }
}

/** Weights in Keras's shapes and gate order: kernel, recurrent kernel, bias for each layer, of both directions where it has two. */
export function weightsOf({ features, layers, weights }) {
  if (weights) return weights
  const random = generator(7)
  let inputs = features
  return layers.map(({ kind, units, resetAfter = true, merge }) => {
    const columns = gates[kind] * units
    const biases = kind === 'GRU' && resetAfter ? 2 * columns : columns
    const one = () => {
      const kernel = numbers(inputs * columns, 1 / Math.sqrt(inputs), random)
      if (kind === 'Dense') return [kernel, numbers(columns, 0.1, random)]
      return [kernel, numbers(units * columns, 1 / Math.sqrt(units), random), numbers(biases, 0.1, random)]
    }
    const values = merge ? [...one(), ...one()] : one()
    inputs = merge === 'concat' ? 2 * units : units
    return values
  })
}

/** Input of one call, [batch, steps, features], another one for each call; masked steps are zeros. */
export function inputOf({ features, batch, steps, lengths }, call = 0) {
  const data = numbers(batch * steps * features, 1, generator(11 + call))
  lengths?.forEach((length, row) => {
    data.fill(0, (row * steps + length) * features, (row + 1) * steps * features)
  })
  return data
}

function numbers(length, scale, random) {
  return Float32Array.from({ length }, () => (2 * random() - 1) * scale)
}

/** Uniform in [0, 1): mulberry32. */
function generator(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
