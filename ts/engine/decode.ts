/** Reads what scripts/embed.mjs wrote. No atob, no TextDecoder: AudioWorklets have neither. */

/** Characters that the text never uses: " $ ' < \ ` */
const unsafe = [34, 36, 39, 60, 92, 96]
const leads = 2

/** Characters at a time: engines compile a function that is called often sooner than one long loop. */
const piece = 512

/**
 * The bytes of `text`. `table` lists all byte values by frequency, two hex digits each: the commonest ones are one character of
 * the text, the others a lead and a character.
 */
export function decode(table: string, text: string): Uint8Array {
  const bytes = Uint8Array.from({ length: 256 }, (_, rank) =>
    Number.parseInt(table.slice(2 * rank, 2 * rank + 2), 16),
  )
  const ranks = new Uint8Array(128)
  let count = 0
  for (let code = 32; code < 127; code++) if (!unsafe.includes(code)) ranks[code] = count++
  const singles = count - leads
  const result = new Uint8Array(text.length)
  let length = 0
  let next = 0
  const decodePiece = () => {
    const end = Math.min(next + piece, text.length)
    while (next < end) {
      let rank = ranks[text.charCodeAt(next++)]!
      if (rank >= singles) rank = singles + (rank - singles) * count + ranks[text.charCodeAt(next++)]!
      result[length++] = bytes[rank]!
    }
  }
  while (next < text.length) decodePiece()
  return result.subarray(0, length)
}
