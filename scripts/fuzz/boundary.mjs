/**
 * Captured calls are sent to one engine again, some of them changed: what is refused must change nothing, so that the rest answers as it
 * did; what is taken goes on in the place of the call that it was made of.
 */
import { boundaryOf, capture, makes } from './capture.mjs'
import { load } from './load.mjs'
import { mutated } from './mutate.mjs'
import { generator, percent, pick } from './random.mjs'
import { scenes } from './scenes.mjs'
import { milliseconds } from './time.mjs'

const { instantiate } = await load('engine/instance.js')
const { getModule } = await load('engine/provider.js')
const { failure } = await load('engine/failure.js')
const { LayerRnnError } = await load('errors.js')
const { Dtype, ErrorCode, Op, Stat } = await load('generated/enums.js')

const maxBytes = 1 << 22
/** Bytes that a replay finds free; a new engine has them. */
const room = 1 << 20
/** Milliseconds of a call. */
const longest = 2000
/** Least shares of calls that an export takes: of all, and of those that were changed. */
const least = { all: 0.05, changed: 0.01 }

/** Exports that answer with an error code; most others answer with 0 when they fail. */
const byStatus =
  /^(tensor_(free|changed)|(builder|program|call)_free|call_run|boundary_reserve|engine_start)$/
const never = /^(engine_stat|error_code)$/
/** Exports whose answer has numbers of values and types, no ids. */
const typed = /^(builder_record|builder_gradient|program_bind)$/
/** What stands where a failure writes its record. */
const untouched = 0x7ff1a9c3

export async function boundary() {
  const captured = Object.entries(scenes).map(([name, fn]) => ({ name, ...capture(fn) }))
  checkCovered(captured)
  const tally = {}
  const codes = {}
  const seen = { calls: 0, changed: 0, replays: 0, same: 0, canaries: 0, slowest: 0 }
  let exports

  function start() {
    exports = instantiate(getModule())
    if (exports.engine_start(maxBytes) !== 0) throw new Error('the engine does not start')
  }

  /** One call; what it answered, and whether it was taken. */
  function send({ name, args, words }, changed) {
    const boundary = boundaryOf(exports)
    boundary.fill(0)
    boundary.set(words.subarray(0, boundary.length))
    if (words.length < 5) boundary[4] = untouched
    const written = boundary.slice(0, 5)
    const before = process.cpuUsage()
    const answer = exports[name](...args) >>> 0
    const took = milliseconds(before)
    if (took > longest) throw new Error(`${name} took ${Math.round(took)} ms`)
    const after = boundaryOf(exports)
    const silent = written.every((word, i) => word === after[i])
    // of follows, 0 may be an answer
    const said = name === 'builder_follows' && silent
    const taken = byStatus.test(name) ? answer === 0 : answer !== 0 || said || never.test(name)
    // what was sent may look like a failure without a record
    if (!taken && silent && written[4] !== 0xffffffff)
      throw new Error(`${name} answers ${answer} and says no failure`)
    seen.slowest = Math.max(seen.slowest, took)
    count(name, taken, changed)
    if (!taken) checkFailure(name, answer)
    return { name, answer, taken, after }
  }

  function count(name, taken, changed) {
    tally[name] ??= { all: 0, taken: 0, changed: 0, changedTaken: 0 }
    const of = tally[name]
    seen.calls++
    of.all++
    of.taken += taken
    if (!changed) return
    seen.changed++
    of.changed++
    of.changedTaken += taken
  }

  /** The package makes a typed error of it, with a sentence. */
  function checkFailure(name, answer) {
    const code = byStatus.test(name) ? answer : exports.error_code()
    codes[code] = (codes[code] ?? 0) + 1
    const operands = new Int32Array(exports.memory.buffer, exports.boundary_pointer() >>> 0, 5)
    const error = failure(code, operands, 'fuzz')
    const strange = code === ErrorCode.Op ? /NaN|failed with code/ : /undefined|NaN|failed with code/
    if (!(error instanceof LayerRnnError) || strange.test(error.message))
      throw new Error(`${name} failed with code ${code}: ${error.message}`)
  }

  /**
   * Sends a scene; `change` may say what is tried before a call. Gives what each call answered while nothing else was taken, whether
   * that is all, and what may be alive.
   */
  function replay({ events, made }, change) {
    const ids = new Array(made.length).fill(0)
    const live = []
    const answers = []
    let same = true
    const sent = (call, changed) => {
      const result = send(call, changed)
      if (result.taken && makes[call.name] && call.name !== 'program_bind')
        live.push([makes[call.name], result.answer])
      if (result.taken && call.name === 'call_new') live.push(...results(call.words, result.after))
      return result
    }
    for (const [at, event] of events.entries()) {
      const call = { name: event.name, args: event.args.slice(), words: event.words.slice() }
      for (const [word, thing] of event.uses) call.words[word] = ids[thing]
      if (event.taken !== undefined) call.args[0] = ids[event.taken]
      const other = change?.(call, live)
      // closing takes what was recorded over, even when it is refused
      if (other?.name === 'builder_finish')
        other.args[0] = sent({ name: 'builder_copy', args: [other.args[0]], words: other.words }).answer
      let result = other && sent(other, true)
      if (result?.taken) same = false
      else result = sent(call, false)
      const { name, answer, taken, after } = result
      if (taken && name === event.name) {
        if (event.made !== undefined) ids[event.made] = answer
        for (const [output, thing] of event.outputs ?? []) ids[thing] = after[output]
      }
      if (!same) continue
      answers.push(digest(event, result, made))
      if (name === 'tensor_new') fill(answer, made[event.made], at)
    }
    return { answers, same, live }
  }

  /** The tensors that a call made: where it was given none for an output. Behind the words are zeros. */
  function results(words, ids) {
    const at = 1 + (words[0] ?? 0)
    const given = Array.from({ length: words[at] ?? 0 }, (_, output) => words[at + 1 + output] ?? 0)
    return given.flatMap((id, output) => (id === 0 ? [['tensor', ids[output]]] : []))
  }

  /** Numbers for a new tensor, always the same. */
  function fill(id, { dtype, bytes }, seed) {
    const random = generator(seed + 1)
    const Numbers = { [Dtype.Float32]: Float32Array, [Dtype.Int32]: Int32Array, [Dtype.Bool]: Uint8Array }[
      dtype
    ]
    const pointer = exports.tensor_pointer(id) >>> 0
    const numbers = new Numbers(exports.memory.buffer, pointer, bytes / Numbers.BYTES_PER_ELEMENT)
    for (let i = 0; i < numbers.length; i++)
      numbers[i] = dtype === Dtype.Float32 ? random(2000) / 1000 - 1 : random(2)
  }

  /** What is the same in every replay: whether a call was taken, types, and numbers where the package reads them. */
  function digest({ name, taken: thing, uses }, { answer, taken, after }, made) {
    let hash = taken ? 1 : 2
    const add = words => {
      for (const word of words) hash = Math.imul(hash ^ word, 0x01000193)
    }
    if (taken && typed.test(name)) {
      for (const [at] of uses) after[at] = 0 // an id that no answer lies over
      add(after)
    }
    if (taken && name === 'tensor_pointer')
      add(new Uint32Array(exports.memory.buffer, answer, made[thing].bytes / 4))
    return hash
  }

  function tidy(live) {
    for (const [kind, id] of live) exports[`${kind}_free`](id)
    const left = [Stat.Tensors, Stat.Programs, Stat.Calls].map(which => exports.engine_stat(which))
    if (left.some(count => count !== 0))
      throw new Error(`all was freed, and ${left} tensors, programs, calls are alive`)
  }

  function compare({ name, events, answers }, now) {
    const at = now.findIndex((answer, i) => answer !== answers[i])
    if (at >= 0)
      throw new Error(`after refused calls, call ${at} of ${name} (${events[at].name}) answers otherwise`)
  }

  function sound(scene) {
    const { answers, live } = replay(scene)
    tidy(live)
    return answers
  }

  start()
  for (const scene of captured) scene.answers = sound(scene)
  const canary = captured.find(({ name }) => name === 'canary')
  const free = () => maxBytes - exports.engine_stat(Stat.Bytes)

  return {
    attempt(random) {
      if (free() < room || random(1000) === 0) start()
      const scene = pick(random, captured)
      const rate = Math.ceil(scene.events.length / (1 + random(10)))
      const change = (call, live) => random(rate) === 0 && mutated(random, call, live, scene, exports)
      const { answers, same, live } = replay(scene, change)
      if (same) compare(scene, answers)
      tidy(live)
      seen.replays++
      seen.same += same
      if (random(4) > 0 || free() < room) return
      compare(canary, sound(canary))
      seen.canaries++
    },

    report() {
      const { calls, changed, replays, same, canaries, slowest } = seen
      const lines = [
        `${calls} calls, ${changed} of them changed, in ${replays} replays; ${same} times all changed ones were refused and the rest had the same bits; ${canaries} times a fixed program had them; slowest call ${slowest.toFixed(0)} ms`,
      ]
      const low = []
      for (const name of Object.keys(tally).sort()) {
        const { all, taken, changed, changedTaken } = tally[name]
        lines.push(
          `  ${name.padEnd(17)}${String(all).padStart(9)} calls, ${percent(taken, all)} taken; ${String(changed).padStart(7)} changed, ${percent(changedTaken, changed)} taken`,
        )
        // it starts once
        if (name === 'engine_start' || changed < 500) continue
        if (taken < least.all * all || changedTaken < least.changed * changed) low.push(name)
      }
      lines.push(
        `  ${Object.entries(ErrorCode)
          .map(([name, code]) => `${name} ${codes[code] ?? 0}`)
          .join(', ')}`,
      )
      const missing = Object.keys(exports).filter(
        name => typeof exports[name] === 'function' && !name.startsWith('__') && !tally[name],
      )
      return { lines, low: replays < 2000 ? low : [...low, ...missing] }
    },
  }
}

/** Every op is in a scene. */
function checkCovered(captured) {
  const records = captured.flatMap(({ events }) => events.filter(({ name }) => name === 'builder_record'))
  const ops = new Set(records.map(({ words }) => words[0]))
  const missing = Object.keys(Op).filter(name => !ops.has(Op[name]))
  if (missing.length > 0) throw new Error(`no scene of scripts/fuzz/scenes.mjs records ${missing.join(', ')}`)
}
