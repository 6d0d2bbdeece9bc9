import { expect, numbers, read, zeros } from './wasm.mjs'

/** Every tile (crates/bench/src/tiles.rs) with every panel width that it divides, on shapes that it divides. */
export function tiles(wasm) {
  const kernels = []
  for (let which = 0; which < wasm.tile_count(); which++) {
    const name = wasm.tile_name(which)
    const [rows, vectors, unrolled] = [Math.floor(name / 10000), Math.floor(name / 100) % 100, name % 100]
    for (const panel of rows === 1 ? [vectors] : [vectors, 8, 16].filter(p => p % vectors === 0)) {
      const shapes =
        rows === 1
          ? [
              [1, 128, 512],
              [1, 256, 1024],
            ]
          : [
              [128, 128, 512],
              [32, 512, 512],
            ]
      for (const [m, k, n] of shapes) {
        const whole = (size, by) => Math.ceil(size / by) * by
        const shape = [whole(m, rows), k, whole(n, panel * 4)]
        kernels.push(tile(wasm, which, panel, shape, `${rows}×${vectors} k${unrolled} panel ${panel}`))
      }
    }
  }
  return kernels
}

function tile(wasm, which, panel, [m, k, n], kernel) {
  const [a, w, c] = [numbers(wasm, m * k), numbers(wasm, k * n), zeros(wasm, m * n)]
  const packed = wasm.tile_packed(w, k, n, panel)
  const run = times => wasm.tile_product(times, which, panel, m, k, n, a, packed, c)
  run(1)
  const [x, y] = [read(wasm, a, m * k), read(wasm, w, k * n)]
  const want = Array.from({ length: m * n }, (_, at) => {
    let sum = 0
    for (let t = 0; t < k; t++) sum += x[Math.floor(at / n) * k + t] * y[t * n + (at % n)]
    return sum
  })
  expect(wasm, kernel, c, want)
  return { kernel, shape: m === 1 ? `${k}→${n}` : `${m}×${k}×${n}`, flops: 2 * m * k * n, run }
}
