/** Seeds: every weight draws from a stream of its own, so its values do not depend on when they are drawn. */

import { mustBe } from '../errors.js'

/** The key of a counter-based random stream. */
export type Key = readonly [low: number, high: number]

/** @internal */
export const isSeed = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0

let globalSeed: number | undefined
let drawn = 0

/** Makes what is created from now on reproducible: the same seed, an integer from 0, and the same model give the same weights. */
export function setRandomSeed(seed: number): void {
  if (!isSeed(seed)) throw mustBe('setRandomSeed', 'seed', 'an integer from 0', seed)
  globalSeed = seed
  drawn = 0
  for (const restart of restarts) restart()
}

const restarts = new Set<() => void>()

/** Calls `restart` whenever a seed is set. @internal */
export function onSeed(restart: () => void): void {
  restarts.add(restart)
}

/** The key of the next weight, from the global seed, the weight's path and how many were drawn before. */
export function nextKey(path: string): Key {
  return globalKey(`${drawn++}/${path}`)
}

/** The key of something of which there is one, from the global seed. */
export function globalKey(path: string): Key {
  globalSeed ??= Math.floor(Math.random() * 2 ** 53) // inexact: a seed that nobody chose may be any number
  return hash(`${globalSeed}/${path}`)
}

/** The key of an explicit seed: the same one always gives the same values. */
export function seedKey(seed: number): Key {
  return hash(`seed/${seed}`)
}

/** A key from a path. Two lanes of multiply and xor-shift over the text's code units, each finished as in MurmurHash3. */
export function hash(text: string): Key {
  let low = 0x9747b28c
  let high = 0x3c6ef372
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    low = Math.imul(low ^ code, 0x5bd1e995)
    high = Math.imul(high ^ code, 0x1b873593)
    low ^= low >>> 15
    high ^= high >>> 13
  }
  return [finish(low ^ high), finish(high + Math.imul(low, 5))]
}

function finish(bits: number): number {
  let h = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
