import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../scripts/setup/run.mjs'

/** The kernels' exports (crates/bench). */
export function load() {
  const bytes = readFileSync(join(root, 'target/wasm32-unknown-unknown/release/layer_rnn_bench.wasm'))
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports
}

let seed = 1

/** A buffer of n numbers in the module, uniform in ±scale: the same in every run. */
export function numbers(wasm, n, scale = 1) {
  const at = wasm.reserve(n) >>> 0
  const view = read(wasm, at, n)
  for (let i = 0; i < n; i++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    view[i] = (seed / 2 ** 31 - 1) * scale
  }
  return at
}

export const zeros = (wasm, n) => wasm.reserve(n) >>> 0

export const read = (wasm, at, n) => new Float32Array(wasm.memory.buffer, at, n)

/** Throws unless what a kernel wrote at `at` is what the reference says. */
export function expect(wasm, what, at, want, tolerance = 2e-5) {
  const got = read(wasm, at, want.length)
  want.forEach((x, i) => {
    if (!(Math.abs(got[i] - x) <= tolerance * (1 + Math.abs(x))))
      throw new Error(`${what}: element ${i} is ${got[i]}, expected ${x}`)
  })
}
