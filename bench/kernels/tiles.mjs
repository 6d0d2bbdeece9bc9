import { expect, numbers, read, zeros } from './wasm.mjs'

/** Every tile of crates/bench/src/tiles.rs, on two shapes each (rounded up to what it divides). */
export function tiles(wasm) {
  return Array.from({ length: wasm.tile_count() }, (_, which) => {
    const [rows, panels, vectors, unrolled] = [0, 1, 2, 3].map(what => wasm.tile_size(which, what))
    const shapes = [
      [rows === 1 ? 1 : 128, 128, 512],
      [rows === 1 ? 1 : 32, rows === 1 ? 256 : 512, rows === 1 ? 1024 : 512],
    ]
    const whole = (size, by) => Math.ceil(size / by) * by
    return shapes.map(([m, k, n]) =>
      tile(
        wasm,
        which,
        vectors,
        [whole(m, rows), k, whole(n, panels * vectors * 4)],
        `${rows} × ${panels}·${vectors}  k ${unrolled}`,
      ),
    )
  }).flat()
}

function tile(wasm, which, vectors, [m, k, n], kernel) {
  const [a, w, c] = [numbers(wasm, m * k), numbers(wasm, k * n), zeros(wasm, m * n)]
  const packed = wasm.tile_packed(w, k, n, vectors)
  const run = times => wasm.tile_product(times, which, m, k, n, a, packed, c)
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
