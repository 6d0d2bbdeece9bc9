/** A call of the wasm, made another: { name, args, words }. */
import { takes } from './capture.mjs'
import { load } from './load.mjs'
import { pick } from './random.mjs'

const { Op } = await load('generated/enums.js')

const absurd = [0, 1, 2, 64, 1023, 1 << 20, 0x3f800000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff]

/** A word: small, unknown as a size, near the old one, absurd, or an id that is or was alive. */
function word(random, old, live) {
  const kind = random(9)
  if (kind === 0) return pick(random, absurd)
  if (kind === 1) return -1 - random(4)
  if (kind === 2) return old + 1 - 2 * random(2)
  if (kind === 3 && live.length > 0) return pick(random, live)[1]
  if (kind === 4) return old ^ (1 << random(32))
  return random(12)
}

const change = {
  words(random, call, live) {
    const { words } = call
    for (let left = 1 + random(2); left > 0 && words.length > 0; left--) {
      const at = random(words.length)
      words[at] = word(random, words[at], live)
    }
  },

  exchanged(random, { words }) {
    if (words.length === 0) return
    const [a, b] = [random(words.length), random(words.length)]
    const kept = words[a]
    words[a] = words[b]
    words[b] = kept
  },

  /** One word more or fewer; of a record one input or attribute, and its count says so. */
  counted(random, call) {
    const words = [...call.words]
    if (words.length === 0) return
    const record = call.name === 'builder_record'
    const count = pick(random, [1, 2 + words[1]])
    const [start, length] = record ? [count + 1, words[count]] : [0, words.length]
    const more = random(2) === 0 || length === 0
    words.splice(start + random(length + more), more ? 0 : 1, ...(more ? [pick(random, words)] : []))
    if (record) words[count] += more ? 1 : -1
    sized(call, words)
  },

  cut: (random, call) => sized(call, call.words.subarray(0, random(call.words.length + 1))),

  arguments(random, call, live) {
    if (call.args.length === 0) return
    const at = random(call.args.length)
    call.args[at] = word(random, call.args[at], live) >>> 0
  },

  op(random, { name, words }) {
    if (name === 'builder_record') words[0] = random(Object.keys(Op).length + 1)
  },

  /** Any call of the same scene, with a thing that it can take. */
  other(random, call, live, { events }) {
    const { name, args, words } = pick(random, events)
    Object.assign(call, { name, args: args.slice(), words: words.slice() })
    const fitting = live.filter(([kind]) => kind === takes(name))
    if (fitting.length > 0) call.args[0] = pick(random, fitting)[1]
  },

  /** The same once more. */
  twice() {},

  noise(random, call, live, _, exports) {
    const name = pick(
      random,
      Object.keys(exports).filter(name => typeof exports[name] === 'function' && !name.startsWith('__')),
    )
    const any = (_, old = 0) => word(random, old, live) >>> 0
    const args = Array.from({ length: exports[name].length }, any)
    Object.assign(call, { name, args, words: Uint32Array.from({ length: 24 }, any) })
  },
}

function sized(call, words) {
  call.words = Uint32Array.from(words)
  if (call.args.length > 1) call.args[1] = words.length
}

const often = { words: 8, counted: 2, op: 2, arguments: 2 }
const kinds = Object.keys(change).flatMap(kind => new Array(often[kind] ?? 1).fill(kind))

export function mutated(random, call, live, scene, exports) {
  const copy = { name: call.name, args: call.args.slice(), words: call.words.slice() }
  change[pick(random, kinds)](random, copy, live, scene, exports)
  // room for words is bounded by nothing: whoever asks for it has it
  if (copy.name === 'boundary_reserve') copy.args[0] %= 1 << 16
  return copy
}
