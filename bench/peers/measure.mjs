/**
 * Times contestants in turn, so that whatever else the machine does meets all of them: in every round each runs for at
 * least `slice` milliseconds, in another order. Of each: the median µs, the first call's, the 99th percentile of single calls, the bytes
 * of heap that a call leaves behind, and the quartiles of the first one's ratio to it; of every round what `bound()` gave beside
 * the first one's time, if there is one.
 */
export async function measure(contestants, bound, { rounds = 41, slice = 4, limit = 6000, collect } = {}) {
  const repeats = []
  for (const contestant of contestants) {
    const warm = contestant.first > 500e3 ? 1 : 3
    for (let i = 0; i < warm; i++) await time(contestant, 1) // compiled code, filled caches
    let count = 1
    while (count < 1e6) {
      const elapsed = await time(contestant, count)
      if (elapsed >= slice) break
      count = elapsed < slice / 10 ? count * 10 : Math.ceil((count * slice * 1.2) / elapsed)
    }
    repeats.push(count)
  }
  const times = contestants.map(() => [])
  const bounds = []
  const start = performance.now()
  for (let round = 0; round < rounds && (round < 5 || performance.now() - start < limit); round++) {
    for (let turn = 0; turn < contestants.length; turn++) {
      const i = (turn + round) % contestants.length
      times[i].push(((await time(contestants[i], repeats[i])) * 1000) / repeats[i])
      if (i === 0 && bound) bounds.push(bound())
    }
  }
  const results = []
  for (const [i, contestant] of contestants.entries()) {
    const micros = quantile(times[i], 0.5)
    results.push({
      micros,
      first: contestant.first,
      p99: await slowest(contestant, micros),
      heap: collect && (await heapOf(contestant, micros, collect)),
      ratio: quartiles(times[0].map((ours, round) => ours / times[i][round])),
    })
  }
  return { results, first: times[0], bounds }
}

async function time(contestant, count) {
  const start = performance.now()
  if (contestant.isAsync) for (let i = 0; i < count; i++) await contestant.call()
  else for (let i = 0; i < count; i++) contestant.call()
  return performance.now() - start
}

/** The 99th percentile of single calls in µs; none where too few can be made in half a second or the clock is too coarse. */
async function slowest(contestant, micros) {
  const count = Math.min(20_000, Math.floor(5e5 / micros))
  if (count < 100 || micros < 20 * tick()) return undefined
  const times = new Float64Array(count)
  for (let i = 0; i < count; i++) times[i] = (await time(contestant, 1)) * 1000
  return quantile(times, 0.99)
}

/** The clock's step in µs. */
function tick() {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < 5; i++) {
    const start = performance.now()
    let now = start
    while (now === start) now = performance.now()
    least = Math.min(least, (now - start) * 1000)
  }
  return least
}

/** Bytes of heap that a call leaves to be collected: the growth over some calls, the least of a few tries. */
async function heapOf(contestant, micros, { collect, used }) {
  const count = Math.max(3, Math.min(1000, Math.floor(1e5 / micros)))
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < (micros * count > 1e6 ? 1 : 5); i++) {
    collect()
    const before = used()
    await time(contestant, count)
    const grown = used() - before
    if (grown >= 0) least = Math.min(least, grown / count)
  }
  return Number.isFinite(least) ? Math.round(least) : undefined
}

export const quartiles = values => [0.25, 0.5, 0.75].map(q => quantile(values, q))

export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const low = Math.floor(at)
  return sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low])
}
