import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compiled } from '../../ts/engine/instance.js'
import '../../ts/entry/inline.js'
import {
  Dense,
  GRU,
  Input,
  Model,
  type NdArray,
  ops,
  RNN,
  RNNCell,
  Sequential,
  type Tensor,
} from '../../ts/entry/api.js'
import { Host, type ModelMessage, modelMessage, registerStreamProcessor } from '../../ts/entry/worklet.js'
import { ArgumentError, UnsupportedError } from '../../ts/errors.js'
import { balanced, fails } from '../engine/support.js'
import { numbers } from '../support/random.js'
import { hostOf, play, posted, quantum, rate, sampleModel, scaled } from './support.js'

test('sample-wise: the bits of the whole sequence, two channels', () =>
  balanced(() => {
    using model = sampleModel()
    const { host, told } = hostOf(modelMessage(model, { channels: 2 }))
    assert.equal(told, [{ type: 'ready', milliseconds: 0 }])
    const channels = [numbers(4 * quantum, 1), numbers(4 * quantum, 2)]
    const outputs = play(host, channels)
    channels.forEach((samples, c) => {
      assert.equal(outputs[c], (model.predict(samples) as NdArray).data)
    })
    host.take({ type: 'reset' })
    assert.equal(play(host, channels), outputs)
    assert.equal(host.stats, { late: 0, bypassed: 0, played: 8 })
    host.dispose()
    assert.not(host.process([], []))
  }))

test('sample-wise, a model that gives its last step only', () =>
  balanced(() => {
    using model = new Sequential([new GRU({ units: 1, inputShape: [null, 1] })])
    using whole = new Sequential([new GRU({ units: 1, returnSequences: true, inputShape: [null, 1] })])
    whole.setWeights(model.getWeights())
    const { host } = hostOf(modelMessage(model as unknown as Model))
    const samples = numbers(2 * quantum)
    assert.equal(play(host, [samples]), [whole.predict(samples).data])
    host.dispose()
  }))

test('frame-wise: frames of hop samples come back hop - 1 samples late', () =>
  balanced(() => {
    for (const hop of [64, 100, 128, 300]) {
      using model = scaled(hop, 0.5)
      const { host } = hostOf(modelMessage(model, { hop }))
      const samples = numbers(8 * quantum)
      const [output] = play(host, [samples])
      const expected = samples.map((_, i) => (i < hop - 1 ? 0 : 0.5 * samples[i - hop + 1]!))
      assert.equal(output, expected, `hop ${hop}`)
      host.dispose()
    }
  }))

test('frame-wise: frames that overlap are added', () =>
  balanced(() => {
    const [hop, window] = [32, 128]
    using model = scaled(window, 0.25)
    const { host } = hostOf(modelMessage(model, { hop, window, channels: 2 }))
    const channels = [numbers(8 * quantum, 3), numbers(8 * quantum, 4)]
    const outputs = play(host, channels)
    channels.forEach((samples, c) => {
      // Each frame's output begins where its last hop began; four quarters of frames meet in each sample, 96 samples apart.
      const late = hop - 1 + window - hop
      for (let i = late + window; i < samples.length; i++) {
        const expected = samples[i - late]!
        assert.ok(Math.abs(outputs[c]![i]! - expected) < 1e-6, `${c} ${i}: ${outputs[c]![i]} for ${expected}`)
      }
    })
    host.dispose()
  }))

test('frame-wise, a model that hears: the input is played, the last output read', () =>
  balanced(() => {
    using model = new Sequential([
      new GRU({ units: 3, inputShape: [null, 64] }),
      new Dense({ units: 5, activation: 'softmax' }),
    ])
    const { host, told } = hostOf(modelMessage(model as unknown as Model, { hop: 64 }))
    const samples = numbers(4 * quantum)
    assert.equal(play(host, [samples]), [samples])
    host.take({ type: 'read' })
    const heard = { type: 'output', output: model.predict(samples).data }
    assert.equal(told.at(-1), heard)
    host.take({ type: 'reset' })
    for (let from = 0; from < samples.length; from += quantum)
      host.process([samples.subarray(from, from + quantum)], []) // a node without outputs
    host.take({ type: 'read' })
    assert.equal(told.at(-1), heard)
    host.take({ type: 'stop' })
    host.take(modelMessage(model as unknown as Model, { hop: 64 }))
    assert.is((told.at(-1) as { code?: string }).code, 'state')
  }))

test('models are swapped between two quanta, and what fails leaves the old one playing', () =>
  balanced(() => {
    const [first, second] = [scaled(128, 1), scaled(128, 2)]
    const { host, told } = hostOf(modelMessage(first, { hop: 128 }))
    const ones = new Float32Array(4 * quantum).fill(1)
    assert.is(play(host, [ones])[0]!.at(-1), 1)
    const whole = modelMessage(second, { hop: 128 })
    for (const [wrong, code] of [
      [{ module: {} }, 'argument'],
      [{ bytes: undefined }, 'argument'],
      [{ module: compiled(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)) }, 'engine'],
      [{ size: 2 ** 40 }, 'memory'],
    ] as const) {
      host.take({ ...whole, ...wrong } as unknown as ModelMessage)
      assert.is((told.at(-1) as { code: string }).code, code)
      assert.is(play(host, [ones])[0]!.at(-1), 1)
    }
    host.take(posted(modelMessage(second, { hop: 128 })))
    host.take(posted(modelMessage(second, { hop: 128 }))) // before the first was heard
    const ready = told.length
    assert.is(play(host, [ones])[0]!.at(-1), 2)
    assert.equal(told.slice(ready), [{ type: 'ready', milliseconds: 0 }])
    for (const none of [undefined, null, 5, [], {}]) {
      host.take(none as never)
      assert.is((told.at(-1) as { code: string }).code, 'argument')
    }
    host.take({ type: 'what' } as never)
    assert.match((told.at(-1) as { message: string }).message, /no request "what"/)
    host.take({ type: 'stop' })
    first.dispose()
    second.dispose()
  }))

/** What no field of a message can be. */
const hostile = [0, -1, null, undefined, Number.NaN, 1e9, 0.5, '', 'x', [], {}]

/** Copies of a value of objects and arrays with one of its parts, at any depth, replaced by something hostile. */
function* mutants(value: unknown, path: string): Generator<[mutant: unknown, path: string, by: unknown]> {
  for (const by of hostile) if (!Object.is(by, value)) yield [by, path, by]
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return
  for (const [key, part] of Object.entries(value as object)) {
    for (const [mutant, inner, by] of mutants(part, `${path}.${key}`)) {
      const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string, unknown>
      copy[key] = mutant
      yield [copy, inner, by]
    }
  }
}

test('a message with any of its parts wrong: a typed error, and what played before goes on', () =>
  balanced(() => {
    const [old, samples, frames] = [scaled(64, 1), sampleModel(2), scaled(64, 2)]
    const good = modelMessage(old, { hop: 64 })
    const input = numbers(2 * quantum + 50)
    const expected = heard(good, input).output
    for (const [message, Class] of [
      [modelMessage(samples, { channels: 2 }), 'sample-wise'],
      [modelMessage(frames, { hop: 32, window: 64 }), 'frame-wise'],
    ] as const) {
      for (const [mutant, path, by] of mutants(message, Class)) {
        const { code, text, output } = heard(good, input, mutant)
        const what = `${path} = ${String(by)}`
        if (/id = 1000000000/.test(what)) assert.is(code, 'disposed', what) // found when it is to run
        if (/id = 1000000000|(ut|\d)\.0 = 0/.test(what)) continue // some other place of the memory: garbage
        if (/states$/.test(path) && Array.isArray(by)) continue // a model that has none
        assert.ok(code !== undefined && code !== 'engine' && text.length > 20, `${what}: ${code} ${text}`)
        assert.not.match(text, /undefined\)|is not|Invalid|out of bounds/, what)
        assert.equal(output, expected, what)
      }
    }
    for (const model of [old, samples, frames]) model.dispose()
  }))

/** What a host that plays a model says to other messages, and then plays. */
function heard(before: ModelMessage, input: Float32Array, ...messages: unknown[]) {
  const { host, told } = hostOf(structuredClone(before))
  for (const message of messages) host.take(message as ModelMessage)
  const output = play(host, [input])[0]!
  const error = told.find(({ type }) => type === 'error') as { code: string; message: string } | undefined
  return { code: error?.code, text: error?.message ?? '', output }
}

test('what fails while it is copied is told, and leaves the sound', () => {
  using model = sampleModel(2)
  const { host, told } = hostOf(modelMessage(model))
  const message = modelMessage(model)
  host.take(message)
  Object.assign(message.ranges[0] as unknown as number[], [2 ** 33, 4096]) // by whom it was sent, in the same thread
  const before = told.length
  play(host, [numbers(2 * quantum)])
  const [error, ...more] = told.slice(before) as { code: string; message: string }[]
  assert.equal([error!.code, more], ['engine', []])
  assert.match(error!.message, /cannot be played/)
  assert.is(host.stats.played, 2)
})

test('a swap: every sample is of the old model or of the new one, and the old one is never kept waiting', () =>
  balanced(() => {
    using old = sampleModel()
    using large = sampleModel(400) // 5 MB with its packed weights
    const samples = numbers(64 * quantum)
    const least = Math.min(...Array.from({ length: 5 }, (_, i) => swap(old, large, samples, i === 0)))
    assert.ok(least < 1.5, `${least} ms`) // of the 2.67 that a quantum lasts
  }))

/** The longest time of the processor in a call, in milliseconds, from the message to the first quantum of the new model. */
function swap(old: Model, next: Model, samples: Float32Array, listen: boolean): number {
  const { host, told } = hostOf(modelMessage(old))
  const message = posted(modelMessage(next))
  const output = new Float32Array(samples.length)
  let longest = 0
  let swapped = 0
  for (let from = 0; from < samples.length && (listen || !swapped); from += quantum) {
    const start = process.cpuUsage()
    if (from === 8 * quantum) host.take(message)
    const ready = told.length
    host.process([samples.subarray(from, from + quantum)], [output.subarray(from, from + quantum)])
    if (told.length > ready) swapped = from
    if (from >= 8 * quantum && !swapped) longest = Math.max(longest, process.cpuUsage(start).user / 1000)
  }
  assert.ok(swapped > 16 * quantum, `${swapped}`) // part by part
  if (listen) {
    assert.equal(output.slice(0, swapped), (old.predict(samples) as NdArray).data.slice(0, swapped))
    assert.equal(output.slice(swapped), (next.predict(samples.slice(swapped)) as NdArray).data)
  }
  return longest
}

test('a cell of ops needs nothing where it is heard', () =>
  balanced(() => {
    class Leaky extends RNNCell {
      override stateSize = 1
      override call(x: Tensor, [y]: Tensor[]) {
        const next = ops.add(ops.multiply(y!, 0.9), ops.multiply(x, 0.1))
        return [next, [next]]
      }
    }
    using model = new Sequential([
      new RNN({ cell: new Leaky(), returnSequences: true, inputShape: [null, 1] }),
    ])
    const { host } = hostOf(modelMessage(model as unknown as Model))
    const samples = numbers(3 * quantum + 50) // and quanta of another length
    assert.equal(play(host, [samples]), [model.predict(samples).data])
  }))

test('a model that no config describes: ops, constants and functions between layers', () =>
  balanced(() => {
    const inputs = Input({ shape: [null, 1] })
    const h = new GRU({ units: 4, returnSequences: true, activation: x => ops.sin(x) }).apply(inputs)
    const outputs = new Dense({ units: 1 }).apply(ops.add(ops.multiply(h, ops.exp(h)), [1, 2, 3, 4]))
    using model = new Model({ inputs, outputs })
    const samples = numbers(2 * quantum)
    const weights = model.getWeights()
    const { host } = hostOf(modelMessage(model as unknown as Model))
    model.setWeights(weights.map(({ data }) => new Float32Array(data.length))) // changes nothing there
    const played = play(host, [samples])
    model.setWeights(weights)
    assert.equal(played, [model.predict(samples).data])
  }))

test('without a model, and when time runs out, the sound stays as it is', () =>
  balanced(() => {
    using model = sampleModel(4)
    let time = 0
    const { host, told } = hostOf(undefined, { now: () => (time += 3) }) // longer than the 2.67 ms of a quantum
    const samples = numbers(64 * quantum)
    assert.equal(play(host, [samples]), [samples])
    assert.equal(host.stats, { late: 0, bypassed: 0, played: 0 })
    host.take(posted(modelMessage(model)))
    assert.not.equal(play(host, [samples]), [samples])
    assert.equal(told.at(-1), { type: 'late', late: 1, bypassed: 0 })
    assert.equal(play(host, [samples]), [samples])
    host.take({ type: 'stats' })
    assert.equal(told.at(-1), { type: 'stats', late: 1, bypassed: 64, played: 64 })
    host.dispose()
  }))

test('channels that the model has not are silent', () =>
  balanced(() => {
    using samples = sampleModel(2)
    using frames = scaled(64, 1)
    using hears = new Sequential([new GRU({ units: 3, inputShape: [null, 64] })])
    for (const message of [
      modelMessage(samples),
      modelMessage(frames, { hop: 64 }),
      modelMessage(hears as unknown as Model, { hop: 64 }),
    ]) {
      const { host } = hostOf(message)
      const output = Array.from({ length: 3 }, () => new Float32Array(quantum).fill(9))
      host.process([numbers(quantum), numbers(quantum)], output)
      assert.equal(
        output.map(each => each.every(value => value === 0)),
        [false, true, true],
      )
      host.dispose()
    }
  }))

test('without a model, inputs of another length than the outputs', () => {
  const { host } = hostOf()
  const input = [numbers(100), numbers(200)]
  const output = Array.from({ length: 3 }, () => new Float32Array(quantum).fill(9))
  assert.ok(host.process(input, output))
  const silence = new Float32Array(quantum)
  assert.equal(output, [
    Float32Array.of(...input[0]!, ...silence.subarray(100)),
    input[1]!.subarray(0, quantum),
    silence,
  ])
})

test('quanta allocate nothing', () => {
  using model = sampleModel(8)
  using frames = scaled(64, 1)
  for (const message of [modelMessage(model), modelMessage(frames, { hop: 64 })]) {
    const { host } = hostOf(message)
    const [input, output] = [[numbers(quantum)], [new Float32Array(quantum)]]
    const run = () => {
      for (let i = 0; i < 500; i++) host.process(input, output)
    }
    for (let i = 0; i < 40; i++) run()
    let least = Number.POSITIVE_INFINITY
    for (let attempt = 0; attempt < 8; attempt++) {
      const before = process.memoryUsage().heapUsed
      run()
      const grown = process.memoryUsage().heapUsed - before
      if (grown >= 0) least = Math.min(least, grown / 500)
    }
    assert.ok(least < 20, `hop ${message.hop}: ${least} bytes a quantum`) // the clock of these measures takes some itself
    host.dispose()
  }
})

test('arguments', () => {
  using model = sampleModel(2)
  fails(() => modelMessage(model, { hop: 64 }), ArgumentError, /one input \[batch, time, 64\]/)
  fails(() => modelMessage(model, { hop: 1.5 }), ArgumentError, /hop must be a positive integer/)
  fails(() => modelMessage(model, { hop: 0 }), ArgumentError, /hop must be a positive integer/)
  fails(() => modelMessage(model, { hop: 4, window: 2 }), ArgumentError, /window must be at least hop/)
  fails(() => modelMessage(model, { window: 5 }), ArgumentError, /hop must be given where window is/)
  fails(() => modelMessage(model, { channels: 0 }), ArgumentError, /channels must be/)
  fails(() => modelMessage(model, { hopp: 3 } as never), ArgumentError, /no option "hopp".*"hop"/)
  fails(() => modelMessage(model, 5 as never), ArgumentError, /takes one object of options/)
  fails(() => modelMessage(5 as never), ArgumentError, /model must be a model, not 5/)
  for (const wrong of ['x', 0, Number.NaN, Number.POSITIVE_INFINITY])
    fails(() => new Host({ rate: wrong as number }), ArgumentError, /rate must be a positive number/)
  fails(() => new Host(undefined as never), ArgumentError, /as { rate }, not undefined/)
  fails(() => new Host({} as never), ArgumentError, /needs "rate"/)
  fails(() => new Host({ rate, share: 2 }), ArgumentError, /share must be a number from 0 to 1/)
  fails(() => new Host({ rate, now: 5 as never }), ArgumentError, /now must be a function/)
  fails(() => new Host({ rate, tell: 'x' as never }), ArgumentError, /tell must be a function/)
  fails(() => new Host({ rate, shar: 1 } as never), ArgumentError, /no option "shar"/)
  const a = Input({ shape: [null, 1] })
  const b = new Dense({ units: 1 }).apply(a)
  using two = new Model({ inputs: a, outputs: [b, b] })
  fails(() => modelMessage(two as unknown as Model), ArgumentError, /must have one output of numbers/)
  fails(() => registerStreamProcessor(), UnsupportedError, /AudioWorklet/)
})

test.run()
