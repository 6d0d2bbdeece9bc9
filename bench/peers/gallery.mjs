/** The cells of examples/cells beside the same cells in tfjs, and beside their matrix products alone. */

import * as cells from '../../build/examples/cells/index.js'
import { Input, Model, RNN, tensor } from '../../dist/index.js'
import { inputOf } from './rows.mjs'
import { joined, percent, short, time, titles } from './table.mjs'
import { gallery } from './tfjs_wasm.mjs'

const [features, units, steps] = [64, 128, 100]
const [groups, gaussians, letters, length] = [3, 10, 60, 40]
const [axes, filters, order] = [[16, 16], 8, 16]
const gates = columns => ({ kernel: columns * units * features, recurrent: columns * units * units })

/** A cell of its class, the sizes of its states flat, its products, and one step in tfjs. */
const kinds = [
  {
    name: 'MinimalGatedUnit',
    args: [units],
    states: [units],
    matrices: [gates(2)],
    call(tf, [kernel, recurrent, bias], x, [h]) {
      const [xf, xn] = tf.split(tf.add(tf.matMul(x, kernel), bias), 2, 1)
      const [kf, kn] = tf.split(recurrent, 2, 1)
      const f = tf.sigmoid(tf.add(xf, tf.matMul(h, kf)))
      const candidate = tf.tanh(tf.add(xn, tf.matMul(tf.mul(f, h), kn)))
      const next = tf.add(h, tf.mul(f, tf.sub(candidate, h)))
      return [next, next]
    },
  },
  {
    name: 'OpsLSTM',
    args: [units],
    states: [units, units],
    matrices: [gates(4)],
    call(tf, [kernel, recurrent, bias], x, [h, c]) {
      const z = tf.add(tf.add(tf.matMul(x, kernel), bias), tf.matMul(h, recurrent))
      return lstm(tf, z, c)
    },
  },
  {
    name: 'PeepholeLSTM',
    args: [units],
    states: [units, units],
    matrices: [gates(4)],
    call(tf, [kernel, recurrent, bias, peepholes], x, [h, c]) {
      const z = tf.add(tf.add(tf.matMul(x, kernel), bias), tf.matMul(h, recurrent))
      const [zi, zf, zc, zo] = tf.split(z, 4, 1)
      const [pi, pf, po] = tf.split(peepholes, 3, 0)
      const i = tf.sigmoid(tf.add(zi, tf.mul(pi, c)))
      const f = tf.sigmoid(tf.add(zf, tf.mul(pf, c)))
      const next = tf.add(tf.mul(f, c), tf.mul(i, tf.tanh(zc)))
      const output = tf.mul(tf.sigmoid(tf.add(zo, tf.mul(po, next))), tf.tanh(next))
      return [output, output, next]
    },
  },
  {
    name: 'LayerNormLSTM',
    args: [units],
    states: [units, units],
    matrices: [gates(4)],
    call(tf, [kernel, recurrent, xScale, xShift, hScale, cScale, cShift], x, [h, c]) {
      const norm = (x, scale, shift) => {
        const { mean, variance } = tf.moments(x, -1, true)
        const y = tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-3))), scale)
        return shift ? tf.add(y, shift) : y
      }
      const z = tf.add(norm(tf.matMul(x, kernel), xScale, xShift), norm(tf.matMul(h, recurrent), hScale))
      return lstm(tf, z, c, next => norm(next, cScale, cShift))
    },
  },
  {
    name: 'IndRNN',
    args: [units],
    states: [units],
    matrices: [{ kernel: features * units, recurrent: units }],
    call(tf, [kernel, recurrent, bias], x, [h]) {
      const output = tf.relu(tf.add(tf.add(tf.matMul(x, kernel), bias), tf.mul(h, recurrent)))
      return [output, output]
    },
  },
  {
    name: 'SRU',
    args: [units],
    states: [units],
    matrices: [{ kernel: 4 * features * units, recurrent: 2 * units }],
    call(tf, [kernel, recurrent, bias], x, [c]) {
      const [input, zf, zr, highway] = tf.split(tf.matMul(x, kernel), 4, 1)
      const [vf, vr] = tf.split(recurrent, 2, 0)
      const [bf, br] = tf.split(bias, 2, 0)
      const forget = tf.sigmoid(tf.add(tf.add(zf, tf.mul(vf, c)), bf))
      const reset = tf.sigmoid(tf.add(tf.add(zr, tf.mul(vr, c)), br))
      const next = tf.add(input, tf.mul(forget, tf.sub(c, input)))
      return [tf.add(highway, tf.mul(reset, tf.sub(tf.tanh(next), highway))), next]
    },
  },
  {
    name: 'Clockwork',
    args: [units],
    states: [1, ...Array(groups).fill(units)],
    matrices: [
      { kernel: groups * units * features, recurrent: ((groups * (groups + 1)) / 2) * units * units },
    ],
    call(tf, [kernel, bias, ...recurrent], x, [step, ...states]) {
      const inputs = tf.split(tf.add(tf.matMul(x, kernel), bias), groups, 1)
      const next = states.map((state, i) => {
        const moved = tf.tanh(tf.add(inputs[i], tf.matMul(tf.concat(states.slice(i), 1), recurrent[i])))
        return tf.where(tf.equal(tf.mod(step, 2 ** i), 0), moved, state)
      })
      return [tf.concat(next, 1), tf.add(step, 1), ...next]
    },
  },
  {
    name: 'Handwriting',
    args: [units, gaussians, letters],
    states: [units, units, gaussians, letters],
    text: [1, length, letters],
    matrices: [
      { kernel: 4 * units * features, recurrent: 4 * units * (units + letters) },
      { kernel: 0, recurrent: 3 * gaussians * units + length * letters },
    ],
    call(tf, [kernel, bias, windowKernel, windowBias], x, [h, c, position, window], text) {
      const z = tf.add(tf.matMul(tf.concat([x, window, h], 1), kernel), bias)
      const [output, , cell] = lstm(tf, z, c)
      const exponents = tf.add(tf.matMul(output, windowKernel), windowBias)
      const [height, width, shift] = tf.split(tf.exp(exponents), 3, 1)
      const moved = tf.add(position, shift)
      const distance = tf.sub(tf.expandDims(moved, -1), tf.range(0, length))
      const bells = tf.exp(tf.neg(tf.mul(tf.expandDims(width, -1), tf.square(distance))))
      const weights = tf.sum(tf.mul(tf.expandDims(height, -1), bells), 1, true)
      const read = tf.squeeze(tf.matMul(weights, text), [1])
      return [tf.concat([output, read], 1), output, cell, moved, read]
    },
  },
  {
    name: 'ConvGRU',
    args: [...axes, filters],
    states: [axes[0] * axes[1] * filters],
    shape: [...axes, filters],
    steps: 10,
    matrices: [
      { kernel: 27 * filters * filters, recurrent: 27 * filters * filters, places: axes[0] * axes[1] },
    ],
    call(tf, [kernel, recurrent, bias], x, [h]) {
      const image = value => tf.reshape(value, [1, ...axes, filters])
      const conv = (value, kernel) => tf.conv2d(image(value), kernel, 1, 'same')
      const [xz, xr, xh] = tf.split(tf.add(conv(x, kernel), bias), 3, 3)
      const [kz, kr, kh] = tf.split(recurrent, 3, 3)
      const state = image(h)
      const z = tf.sigmoid(tf.add(xz, conv(state, kz)))
      const r = tf.sigmoid(tf.add(xr, conv(state, kr)))
      const candidate = tf.tanh(tf.add(xh, conv(tf.mul(r, state), kh)))
      const next = tf.reshape(tf.add(candidate, tf.mul(z, tf.sub(state, candidate))), [1, -1])
      return [next, next]
    },
  },
  {
    name: 'Diagonal',
    args: [features, order],
    states: [features * order, features * order],
    matrices: [{ kernel: 3 * features * order, recurrent: 4 * features * order }],
    call(tf, [decay, frequency, drive, real, imaginary, skip], x, states) {
      const [re, im] = states.map(state => tf.reshape(state, [1, features, order]))
      const radius = tf.exp(tf.neg(tf.exp(decay)))
      const [a, b] = [tf.mul(radius, tf.cos(frequency)), tf.mul(radius, tf.sin(frequency))]
      const driven = tf.mul(tf.expandDims(x, -1), drive)
      const nextRe = tf.add(tf.sub(tf.mul(a, re), tf.mul(b, im)), driven)
      const nextIm = tf.add(tf.mul(a, im), tf.mul(b, re))
      const read = tf.sum(tf.sub(tf.mul(real, nextRe), tf.mul(imaginary, nextIm)), -1)
      const flat = [nextRe, nextIm].map(state => tf.reshape(state, [1, features * order]))
      return [tf.add(read, tf.mul(skip, x)), ...flat]
    },
  },
]

function lstm(tf, z, c, norm = c => c) {
  const [i, f, g, o] = tf.split(z, 4, 1)
  const next = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)))
  const output = tf.mul(tf.sigmoid(o), tf.tanh(norm(next)))
  return [output, output, next]
}

/** Ours is to take at most `aim` times as long. */
export const galleryRows = kinds.map(kind => {
  const { shape = [features], name, matrices } = kind
  const row = { features: shape.reduce((all, n) => all * n), batch: 1, steps: kind.steps ?? steps }
  const size = shape.length > 1 ? `${shape.join('×')}→${filters}` : `${features}→${kind.args[0]}`
  return {
    shape: `${name} ${size}, T=${row.steps}, batch 1`,
    ...row,
    matrices,
    aim: 1 / 50,
    makers: [() => ours(kind, row, shape), (_row, _weights, tf) => gallery(tf, kind, row, given(kind))],
  }
})

const some = (shape, call, scale) => {
  const features = shape.reduce((all, n) => all * n, 1)
  return inputOf({ features, batch: 1, steps: 1 }, call).map(value => value * scale)
}

const classes = { ...cells }

const make = ({ name, args }, shape) => {
  const layer = new RNN({ cell: new classes[name](...args), returnSequences: true })
  layer.build([1, null, ...shape])
  return layer
}

/** The weights, as large as keeps sums of products near 1, and the constant. */
function given(kind) {
  const layer = make(kind, kind.shape ?? [features])
  const weights = layer.weights.map(({ shape }, i) => {
    const inputs = shape.slice(0, -1).reduce((all, n) => all * n, 1)
    return { shape, values: some(shape, 300 + i, 1 / Math.sqrt(inputs)) }
  })
  layer.dispose()
  return { weights, text: kind.text && { shape: kind.text, values: some(kind.text, 400, 1) } }
}

function ours(kind, { steps, ...row }, shape) {
  const layer = make(kind, shape)
  const { weights, text } = given(kind)
  layer.setWeights(weights.map(({ values }) => values))
  const input = Input({ batchShape: [1, steps, ...shape] })
  const constants = text && [tensor(text.values, text.shape)]
  const model = new Model({ inputs: input, outputs: layer.apply(input, { ...(text && { constants }) }) })
  const x = inputOf({ steps, ...row })
  const answer = data => model.predict(data, { batchSize: 1 }).data
  return {
    name: 'ours',
    reset() {},
    run: data => Float32Array.from(answer(data)),
    call: () => answer(x),
    dispose() {
      model.dispose()
      for (const each of constants ?? []) each.dispose()
    },
  }
}

const columns = [
  ['cells of examples/cells', 63],
  ['ours', 9],
  ['tfjs wasm', 9],
  ['times faster', 21],
  ['of bound', 9],
  ['first', 9],
]

export const galleryHeading = () => `\n${titles(columns)}`

export function galleryLine({ shape, ours, tfjsWasm, ratios, percentOfBound, boundBy, first }) {
  const [high, median, low] = ratios.tfjsWasm.map(ratio => short(1 / ratio))
  const faster = `${median}× (${low} – ${high})`
  const share = `${percent(percentOfBound)} ${boundBy[0]}`
  return joined([shape, time(ours), time(tfjsWasm), faster, share, time(first.ours)], columns)
}
