/** A hash over words. */

/** The hash of no words. */
export const emptyHash = 0x811c9dc5

/** FNV-1a by words, on from `start`. Each step can be undone, so two lists that differ in one word have different hashes. */
export function hashWords(words: ArrayLike<number>, start = emptyHash): number {
  let value = start
  for (let i = 0; i < words.length; i++) {
    value = Math.imul(value ^ words[i]!, 0x01000193)
    value ^= value >>> 15
  }
  return value >>> 0
}
