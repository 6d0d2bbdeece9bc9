/** xorshift32: `random(n)` is an integer below n. */
export function generator(seed) {
  let state = seed >>> 0 || 1
  return below => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** The generator of an attempt: near seeds give near first numbers, so some are passed over. */
export function attemptOf(seed, attempt) {
  const random = generator(Math.imul(seed + Math.imul(attempt, 0x9e3779b9), 0x85ebca6b) ^ attempt)
  for (let i = 0; i < 4; i++) random(2)
  return random
}

export const pick = (random, list) => list[random(list.length)]

export const percent = (part, of) => (of === 0 ? 'none' : `${((100 * part) / of).toFixed(1)} %`)
