/**
 * Times contestants in turn, so that whatever else the machine does meets all of them: in every round each runs for at
 * least `slice` milliseconds, in another order. Returns the median µs of each and the quartiles of the first one's ratio to it,
 * and of every round what `peak()` gave beside the first one's time.
 */
export async function measure(contestants, peak, { rounds = 41, slice = 4, limit = 6000 } = {}) {
  const repeats = []
  for (const contestant of contestants) {
    for (let i = 0; i < 3; i++) await time(contestant, 1) // compiled code, filled caches
    let count = 1
    while (count < 1e6) {
      const elapsed = await time(contestant, count)
      if (elapsed >= slice) break
      count = elapsed < slice / 10 ? count * 10 : Math.ceil((count * slice * 1.2) / elapsed)
    }
    repeats.push(count)
  }
  const times = contestants.map(() => [])
  const peaks = []
  const start = performance.now()
  for (let round = 0; round < rounds && (round < 5 || performance.now() - start < limit); round++) {
    for (let turn = 0; turn < contestants.length; turn++) {
      const i = (turn + round) % contestants.length
      const before = i === 0 ? peak() : 0
      times[i].push(((await time(contestants[i], repeats[i])) * 1000) / repeats[i])
      if (i === 0) peaks.push((before + peak()) / 2)
    }
  }
  const results = contestants.map((_, i) => ({
    micros: quantile(times[i], 0.5),
    ratio: quartiles(times[0].map((ours, round) => ours / times[i][round])),
  }))
  return { results, first: times[0], peaks }
}

async function time(contestant, count) {
  const start = performance.now()
  if (contestant.isAsync) for (let i = 0; i < count; i++) await contestant.call()
  else for (let i = 0; i < count; i++) contestant.call()
  return performance.now() - start
}

export const quartiles = values => [0.25, 0.5, 0.75].map(q => quantile(values, q))

export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const low = Math.floor(at)
  return sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low])
}
