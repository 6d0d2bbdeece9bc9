/** Unpacks deflate (RFC 1951), as it is in zip archives and HDF5 chunks. */

/** The order in which a block gives the lengths of the codes that its other lengths are written in. */
const order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
const longest = 15

/** By the next bits of the stream: `symbol << 4 | bits of its code`, 0 where no code begins so. */
type Codes = Uint16Array

/** The codes whose lengths are these. */
function codes(lengths: ArrayLike<number>): Codes {
  const counts = new Uint16Array(longest + 1)
  for (let i = 0; i < lengths.length; i++) counts[lengths[i]!]!++
  let most = longest
  while (most > 1 && counts[most] === 0) most--
  const next = new Uint16Array(longest + 2)
  for (let bits = 1; bits <= longest; bits++) {
    next[bits + 1] = (next[bits]! + counts[bits]!) << 1
    if (next[bits]! + counts[bits]! > 1 << bits) throw new Error('more codes than bits can tell apart')
  }
  const table = new Uint16Array(1 << most)
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const bits = lengths[symbol]!
    if (bits === 0) continue
    let place = 0 // codes begin with their highest bit, the stream with its lowest
    for (let code = next[bits]!++, bit = 0; bit < bits; bit++, code >>= 1) place = (place << 1) | (code & 1)
    for (; place < table.length; place += 1 << bits) table[place] = (symbol << 4) | bits
  }
  return table
}

/**
 * The bytes that `packed` begins with.
 *
 * @throws when it is damaged or cut off, or holds more than `most` bytes
 */
export function inflate(packed: Uint8Array, most: number): Uint8Array {
  const out = new Uint8Array(most)
  let length = 0
  let at = 0
  let bits = 0
  let count = 0

  const fill = () => {
    for (; count < 16; count += 8) bits |= (packed[at++] ?? 0) << count
  }
  const drop = (n: number) => {
    bits >>>= n
    count -= n
    if (at - (count >> 3) > packed.length) throw new Error('it is cut off')
  }
  const take = (n: number) => {
    fill()
    const value = bits & ((1 << n) - 1)
    drop(n)
    return value
  }
  const symbol = (table: Codes) => {
    fill()
    const found = table[bits & (table.length - 1)]!
    if (found === 0) throw new Error('a code that is none')
    drop(found & 15)
    return found >> 4
  }
  const room = (n: number) => {
    if (length + n > most) throw new Error('it holds more than declared')
  }

  const stored = () => {
    drop(count & 7)
    const size = take(16)
    if ((take(16) ^ 0xffff) !== size) throw new Error('a damaged block')
    const start = at - (count >> 3)
    bits = count = 0
    at = start + size
    drop(0)
    room(size)
    out.set(packed.subarray(start, at), length)
    length += size
  }
  const tables = (): [Codes, Codes] => {
    const [literals, distances, given] = [257 + take(5), 1 + take(5), 4 + take(4)]
    const own = new Uint8Array(order.length)
    for (let i = 0; i < given; i++) own[order[i]!] = take(3)
    const table = codes(own)
    const lengths = new Uint8Array(literals + distances)
    for (let i = 0; i < lengths.length; ) {
      const code = symbol(table)
      const times = code < 16 ? 1 : code === 16 ? 3 + take(2) : code === 17 ? 3 + take(3) : 11 + take(7)
      if (i + times > lengths.length) throw new Error('a damaged block')
      lengths.fill(code < 16 ? code : code === 16 ? lengths[i - 1]! : 0, i, i + times)
      i += times
    }
    return [codes(lengths.subarray(0, literals)), codes(lengths.subarray(literals))]
  }
  const compressed = ([literals, distances]: [Codes, Codes]) => {
    for (;;) {
      const code = symbol(literals)
      if (code < 256) {
        room(1)
        out[length++] = code
        continue
      }
      if (code === 256) return
      // four lengths for each number of bits that follow, two distances
      const i = code - 257
      const size = i < 8 ? 3 + i : i === 28 ? 258 : 3 + ((4 + (i & 3)) << ((i >> 2) - 1)) + take((i >> 2) - 1)
      const j = symbol(distances)
      const distance = j < 4 ? 1 + j : 1 + ((2 + (j & 1)) << ((j >> 1) - 1)) + take((j >> 1) - 1)
      if (i > 28 || j > 29 || distance > length) throw new Error('a repetition of what is not there')
      room(size)
      const from = length - distance
      for (let k = 0; k < size; k++) out[length + k] = out[from + k]!
      length += size
    }
  }

  for (let last = 0; last === 0; ) {
    last = take(1)
    const kind = take(2)
    if (kind === 0) stored()
    else if (kind === 1) compressed(fixed())
    else if (kind === 2) compressed(tables())
    else throw new Error('a block of no kind')
  }
  return out.subarray(0, length)
}

/** The codes that blocks need not give. */
const fixed = (): [Codes, Codes] => [
  codes(Uint8Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8))),
  codes(new Uint8Array(32).fill(5)),
]
