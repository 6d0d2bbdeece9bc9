/** Bytes and JSON, damaged. */
import { pick } from './random.mjs'

const stretch = (random, bytes) => {
  const from = random(bytes.length)
  return [from, Math.min(bytes.length, from + 1 + random(64))]
}

const ways = {
  flip(random, bytes) {
    for (let left = 1 + random(4); left > 0; left--) bytes[random(bytes.length)] ^= 1 << random(8)
  },
  byte(random, bytes) {
    bytes[random(bytes.length)] = pick(random, [0, 1, 0x7f, 0x80, 0xfe, 0xff])
  },
  fill: (random, bytes) => bytes.fill(pick(random, [0, 0xff]), ...stretch(random, bytes)),
  copy(random, bytes) {
    const [from, to] = stretch(random, bytes)
    bytes.copyWithin(random(bytes.length), from, to)
  },
  /** A size or an address, as HDF5 has them. */
  word(random, bytes) {
    if (bytes.length < 16) return
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const [at, other] = [8 * random(bytes.length >> 3), 8 * random(bytes.length >> 3)]
    const values = [0n, 1n, 8n, 2n ** 31n, 2n ** 53n, 2n ** 64n - 1n, BigInt(other), BigInt(bytes.length)]
    view.setBigUint64(at, random(3) === 0 ? view.getBigUint64(other, true) : pick(random, values), true)
  },
}

/** Other bytes, perhaps fewer. */
export function damagedBytes(random, bytes) {
  const made = bytes.slice(0, random(8) === 0 ? random(bytes.length + 1) : bytes.length)
  if (made.length > 0) pick(random, Object.values(ways))(random, made)
  return made
}

/** Other JSON, in the bytes of its text: a value is dropped, put in another's place or of another kind. */
export function damagedJson(random, bytes) {
  const all = { root: JSON.parse(new TextDecoder().decode(bytes)) }
  for (let left = 1 + random(2); left > 0; left--) {
    const places = []
    const visit = holder => {
      for (const key of Object.keys(holder)) {
        places.push([holder, key])
        if (typeof holder[key] === 'object' && holder[key] !== null) visit(holder[key])
      }
    }
    visit(all)
    if (places.length === 0) break
    const [holder, key] = pick(random, places)
    const [giver, given] = pick(random, places)
    const old = holder[key]
    const other = structuredClone(giver[given])
    const kind = random(8)
    if (kind === 0) Array.isArray(holder) ? holder.splice(key, 1) : delete holder[key]
    else if (kind < 3) holder[key] = other
    else if (kind === 3 && Array.isArray(old)) old.push(other)
    else if (typeof old === 'number' && kind < 6)
      holder[key] = pick(random, [old + 1, old - 1, -old, 2 * old, 0])
    else if (typeof old === 'boolean' && kind < 6) holder[key] = !old
    else
      holder[key] = pick(random, [null, true, -1, 0, 0.5, 3, 1e9, 1e300, '', 'tanh', [], {}, [[]], [null, 2]])
  }
  return new TextEncoder().encode(JSON.stringify(all.root))
}
