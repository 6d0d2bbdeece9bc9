/**
 * What is measured. A row is a stack of layers, with `steps` time steps given at once (or 'stream': one step a call, states
 * carried), and a batch. Layers have Keras's names and defaults: sigmoid gates, GRU with the reset after the product.
 *
 * @typedef {{ kind: 'LSTM' | 'GRU' | 'SimpleRNN' | 'Dense', units: number, activation?: string, resetAfter?: boolean }} Layer
 * @typedef {{ shape: string, features: number, layers: Layer[], batch: number, steps: number | 'stream', weights?: Float32Array[][],
 *   realTime?: number }} Row
 */

const sequence = (kind, features, units, steps, batch, options = {}) => ({
  shape: `${kind}${options.resetAfter === false ? ' (reset before)' : ''} ${features}→${units}, T=${steps}, batch ${batch}`,
  features,
  layers: [{ kind, units, ...options }],
  batch,
  steps,
})

const step = (kind, features, units, batch = 1) => ({
  shape: `${kind} ${features}→${units}, one step`,
  features,
  layers: [{ kind, units }],
  batch,
  steps: 'stream',
})

/** @type {Row[]} */
export const rows = [
  step('LSTM', 128, 128),
  sequence('LSTM', 1, 16, 128, 1),
  sequence('LSTM', 64, 128, 100, 1),
  sequence('LSTM', 64, 128, 100, 32),
  sequence('GRU', 64, 128, 100, 1),
  sequence('GRU', 64, 128, 100, 32),
  sequence('GRU', 64, 128, 100, 1, { resetAfter: false }),
  sequence('SimpleRNN', 64, 128, 100, 1),
  sequence('SimpleRNN', 64, 128, 100, 32),
]

const gates = { LSTM: 4, GRU: 3, SimpleRNN: 1, Dense: 1 }

/** Multiplications and additions of one call: the matrix products alone. */
export function flops({ features, layers, batch, steps }) {
  let inputs = features
  let sum = 0
  for (const { kind, units } of layers) {
    sum += 2 * gates[kind] * units * (kind === 'Dense' ? inputs : inputs + units)
    inputs = units
  }
  return sum * batch * (steps === 'stream' ? 1 : steps)
}

/** Weights in Keras's shapes and gate order, [kernel, recurrent kernel, bias] for each layer. */
export function weightsOf({ features, layers, weights }) {
  if (weights) return weights
  const random = generator(7)
  let inputs = features
  return layers.map(({ kind, units, resetAfter = true }) => {
    const columns = gates[kind] * units
    const biases = kind === 'GRU' && resetAfter ? 2 * columns : columns
    const kernel = numbers(inputs * columns, 1 / Math.sqrt(inputs), random)
    const recurrent = numbers(units * columns, 1 / Math.sqrt(units), random)
    inputs = units
    return kind === 'Dense'
      ? [kernel, numbers(columns, 0.1, random)]
      : [kernel, recurrent, numbers(biases, 0.1, random)]
  })
}

/** Input of one call, [batch, steps, features]; a stream gets [batch, features], another one for each call. */
export function inputOf({ features, batch, steps }, call = 0) {
  return numbers(batch * (steps === 'stream' ? 1 : steps) * features, 1, generator(11 + call))
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
