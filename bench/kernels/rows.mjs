import { expect, numbers, read, zeros } from './wasm.mjs'

const gemms = [
  [128, 128, 512],
  [32, 128, 512],
  [100, 64, 512],
  [33, 40, 160],
  [32, 512, 2048],
  [7, 50, 100],
  [33, 16, 64],
  [32, 8, 32],
]
const gemvs = [
  [128, 512],
  [256, 1024],
  [64, 256],
  [40, 160],
  [128, 384],
  [16, 64],
  [8, 32],
  [50, 10],
]
const activations = { relu: 1, tanh: 10, sigmoid: 11 } // by their numbers in crates/kernels/src/activation.rs

/** What is measured: { kernel, shape, flops of one run, run(times) }, each checked against a naive reference first. */
export function rows(wasm) {
  return [
    ...gemms.map(shape => product(wasm, 'gemm', shape)),
    ...gemvs.map(([k, n]) => product(wasm, 'gemv', [1, k, n])),
    ...['exp', 'tanh', 'sigmoid', 'copy'].map((name, which) => lanewise(wasm, name, which, 512)),
    cell(wasm, 'simple tanh', 0, 128, 1, 'tanh', 'tanh'),
    cell(wasm, 'lstm', 1, 128, 1, 'tanh', 'sigmoid'),
    cell(wasm, 'lstm', 1, 128, 32, 'tanh', 'sigmoid'),
    cell(wasm, 'lstm', 1, 16, 1, 'tanh', 'sigmoid'),
    cell(wasm, 'lstm relu', 1, 128, 1, 'relu', 'sigmoid'),
    cell(wasm, 'gru', 2, 128, 1, 'tanh', 'sigmoid'),
    cell(wasm, 'gru', 2, 16, 1, 'tanh', 'sigmoid'),
    add(wasm, 1024),
  ]
}

function product(wasm, kernel, [m, k, n]) {
  const [a, w, bias, c] = [numbers(wasm, m * k), numbers(wasm, k * n), numbers(wasm, n), zeros(wasm, m * n)]
  const packed = wasm.packed(w, k, n)
  const run = times => wasm.product(times, m, k, n, a, packed, bias, c)
  run(1)
  const [x, y, start] = [read(wasm, a, m * k), read(wasm, w, k * n), read(wasm, bias, n)]
  const want = Array.from({ length: m * n }, (_, at) => {
    let sum = start[at % n]
    for (let t = 0; t < k; t++) sum += x[Math.floor(at / n) * k + t] * y[t * n + (at % n)]
    return sum
  })
  expect(wasm, `${kernel} ${m} ${k} ${n}`, c, want)
  const shape = kernel === 'gemv' ? `${k}→${n}` : `${m}×${k}×${n}`
  return { kernel, shape, flops: 2 * m * k * n, run }
}

const sigmoid = x => 1 / (1 + Math.exp(-x))

function lanewise(wasm, kernel, which, n) {
  const [x, y] = [numbers(wasm, n, 4), zeros(wasm, n)]
  const run = times => wasm.lanewise(times, which, n, x, y)
  run(1)
  const reference = [Math.exp, Math.tanh, sigmoid, x => x][which]
  expect(wasm, kernel, y, Array.from(read(wasm, x, n), reference), 1e-6)
  return { kernel, shape: `${n}`, flops: 0, items: n, run }
}

function cell(wasm, kernel, which, units, rows, act, recurrent) {
  const planes = which === 0 ? 1 : 4
  const size = rows * units
  const [from, z, c] = [numbers(wasm, size * planes, 2), zeros(wasm, size * planes), numbers(wasm, size)]
  const h = numbers(wasm, size)
  const call = times =>
    wasm.cell(times, which, rows, units, from, z, h, c, activations[act], activations[recurrent])
  const f = { relu: x => Math.max(x, 0), tanh: Math.tanh, sigmoid }[act]
  const at = (plane, i) =>
    read(wasm, from, size * planes)[(Math.floor(i / units) * planes + plane) * units + (i % units)]
  const [h0, c0] = [[...read(wasm, h, size)], [...read(wasm, c, size)]]
  const want = h0.map((h, i) => {
    if (which === 0) return f(at(0, i))
    if (which === 1) return sigmoid(at(3, i)) * f(sigmoid(at(1, i)) * c0[i] + sigmoid(at(0, i)) * f(at(2, i)))
    const update = sigmoid(at(1, i))
    return update * h + (1 - update) * f(at(0, i) + sigmoid(at(2, i)) * at(3, i))
  })
  call(1)
  expect(wasm, kernel, h, want, 1e-6)
  return { kernel: `${kernel} gates`, shape: `${rows}×${units}`, flops: 0, items: size, run: call }
}

function add(wasm, n) {
  const [a, b, y] = [numbers(wasm, n), numbers(wasm, n), zeros(wasm, n)]
  const run = times => wasm.add(times, n, a, b, y)
  run(1)
  expect(
    wasm,
    'add',
    y,
    Array.from(read(wasm, a, n), (x, i) => x + read(wasm, b, n)[i]),
  )
  return { kernel: 'add', shape: `${n}`, flops: n, items: n, run }
}
