/** Reproducible numbers for tests. */

/** Uniform in [-1, 1). */
export function numbers(length: number, seed = 1): Float32Array {
  let state = seed >>> 0
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.fround((state >>> 8) / 2 ** 23 - 1)
  })
}

/** Nested arrays `[rows][columns]`. */
export function matrix(rows: number, columns: number, seed = 1): number[][] {
  const flat = numbers(rows * columns, seed)
  return Array.from({ length: rows }, (_, row) => [...flat.subarray(row * columns, (row + 1) * columns)])
}

/** Nested arrays `[batch][time][features]`. */
export function sequences(batch: number, time: number, features: number, seed = 1): number[][][] {
  return Array.from({ length: batch }, (_, b) => matrix(time, features, seed + 31 * b))
}
