/**
 * Calls of the wasm as the package makes them: name, arguments, words, what they use and make. Ids are kept as numbers of things in
 * the order of their making, so that a replay finds its own.
 */
import { load } from './load.mjs'

await load('entry/inline.js')
const { createEngine } = await load('engine/engine.js')
const { setRandomSeed } = await load('entry/api.js')
const { Dtype, Op } = await load('generated/enums.js')

/** Exports that read as many boundary words as their second argument says. */
const reading = new Set([
  'builder_follows',
  'builder_record',
  'builder_gradient',
  'builder_finish',
  'program_bind',
  'call_new',
  'tensor_new',
])

/** What kind of thing an export makes. */
export const makes = {
  tensor_new: 'tensor',
  builder_new: 'builder',
  builder_copy: 'builder',
  builder_finish: 'program',
  program_bind: 'plan',
  call_new: 'call',
}

/** What kind of thing the first argument names. */
export const takes = name => {
  const [kind, verb] = name.split('_')
  if (name === 'call_new') return 'plan'
  return ['tensor', 'builder', 'program', 'plan', 'call'].includes(kind) && verb !== 'new' ? kind : undefined
}

/** Where ids stand in the words of a call: [index, kind]. */
function idsIn(name, words) {
  if (name === 'call_new')
    return [...words.keys()]
      .filter(i => i !== 0 && i !== 1 + words[0] && words[i] !== 0)
      .map(i => [i, 'tensor'])
  if (name !== 'builder_record') return []
  const [op, inputs] = words
  if (op === Op.Variable) return [[3 + inputs, 'tensor']]
  return op === Op.Steps ? [[3 + inputs, 'program']] : []
}

export const boundaryOf = exports =>
  new Uint32Array(exports.memory.buffer, exports.boundary_pointer() >>> 0, 1024)

const bytesOf = (dtype, dims) => {
  const elements = dims.reduce((a, b) => a * b, 1)
  return dtype === Dtype.Bool ? 4 * Math.ceil(elements / 4) : 4 * elements
}

/** The calls that `fn` makes: { events, made: what was made, in order }. */
export function capture(fn) {
  const engine = createEngine()
  const { raw } = engine
  const events = []
  const made = []
  const known = new Map()
  const make = (kind, id, more) => {
    known.set(`${kind} ${id}`, made.length)
    return made.push({ kind, ...more }) - 1
  }
  const call = (name, args) => {
    const boundary = boundaryOf(raw)
    const words = boundary.slice(0, reading.has(name) ? args[1] : 0)
    const kind = takes(name)
    const event = {
      name,
      args: args.map(arg => arg >>> 0),
      words,
      taken: kind && known.get(`${kind} ${args[0]}`),
      uses: idsIn(name, words).map(([at, kind]) => [at, known.get(`${kind} ${words[at]}`)]),
    }
    const answer = raw[name](...args)
    const after = boundaryOf(raw)
    if (makes[name] && answer !== 0) {
      event.made = make(makes[name], answer)
      if (name === 'tensor_new')
        Object.assign(made[event.made], { dtype: args[0], bytes: bytesOf(args[0], words) })
      if (name === 'program_bind') made[event.made].answer = after.slice()
      if (name === 'call_new')
        event.outputs = outputs(made[event.taken].answer, words.subarray(2 + words[0]), after)
    }
    events.push(event)
    return answer
  }
  /** The tensors that a call made, by the index of the output. */
  const outputs = (types, given, ids) => {
    const list = []
    let at = 0
    for (const [i, tensor] of given.entries()) {
      const [dtype, rank] = types.subarray(at, at + 2)
      const dims = types.subarray(at + 2, at + 2 + rank)
      if (tensor === 0) list.push([i, make('tensor', ids[i], { dtype, bytes: bytesOf(dtype, dims) })])
      at += 2 + rank
    }
    return list
  }
  const quiet = name =>
    typeof raw[name] !== 'function' || /^(__|boundary_pointer|error_code|engine_)/.test(name)
  const seen = Object.keys(raw).map(name => [name, quiet(name) ? raw[name] : (...args) => call(name, args)])
  Object.defineProperty(engine, 'raw', { value: Object.fromEntries(seen), configurable: true })
  engine.use(() => {
    setRandomSeed(1)
    fn()
  })
  delete engine.raw
  return { events, made }
}
