/** What messages must be, and what is answered. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import { Dense, GRU, type Model, Sequential } from '../../ts/entry/api.js'
import { type ModelMessage, modelMessage } from '../../ts/entry/worklet.js'
import { ArgumentError } from '../../ts/errors.js'
import { balanced, fails } from '../engine/support.js'
import { numbers } from '../support/random.js'
import { hostOf, play, quantum, scaled } from './support.js'

test('read: zeros before the first step and after a reset, not what the model was run on to be compiled', () =>
  balanced(() => {
    using samples = new Sequential([new Dense({ units: 1, biasInitializer: 'ones', inputShape: [null, 1] })])
    using frames = new Sequential([
      new GRU({ units: 2, inputShape: [null, 64] }),
      new Dense({ units: 3, biasInitializer: 'ones' }),
    ])
    for (const [message, size] of [
      [modelMessage(samples as unknown as Model, { channels: 2 }), 2],
      [modelMessage(frames as unknown as Model, { hop: 64, channels: 2 }), 6],
    ] as const) {
      const { host, told } = hostOf(message)
      const read = () => {
        host.take({ type: 'read' })
        return (told.at(-1) as { output: Float32Array }).output
      }
      assert.equal(read(), new Float32Array(size))
      play(host, [numbers(quantum), numbers(quantum, 2)])
      assert.ok(read().every(value => value !== 0))
      host.take({ type: 'reset' })
      assert.equal(read(), new Float32Array(size))
      host.dispose()
    }
  }))

test('sample-wise models that give several numbers for a sample are refused, by hosts too', () =>
  balanced(() => {
    for (const returnSequences of [true, false]) {
      using wide = new Sequential([new GRU({ units: 2, returnSequences, inputShape: [null, 1] })])
      const { argument } = fails(
        () => modelMessage(wide as unknown as Model, { channels: 2 }),
        ArgumentError,
        /sequential must give \[batch, time, 1\], a number for each sample, not/,
      )
      assert.is(argument, 'model')
    }
    using wide = new Sequential([new Dense({ units: 2, inputShape: [null, 1] })])
    const frames = modelMessage(wide as unknown as Model, { hop: 1 })
    const { told } = hostOf({ ...frames, hop: 0, window: 0 })
    assert.match((told.at(-1) as { message: string }).message, /calls must be as modelMessage makes it/)
  }))

test('an error about bytes and ranges names what is wrong', () => {
  using model = scaled(64, 1)
  const whole = modelMessage(model, { hop: 64 })
  const [bytes, ranges] = [whole.bytes.byteLength, whole.ranges]
  for (const [wrong, text] of [
    [{ bytes: whole.bytes.slice(4) }, `bytes must be the ${bytes} bytes that ranges say, not ${bytes - 4}`],
    [
      { ranges: ranges.slice(1) },
      `bytes must be the ${bytes - ranges[0]![1]} bytes that ranges say, not ${bytes}`,
    ],
    [{ bytes: new Uint8Array(bytes) }, 'bytes must be as modelMessage makes it, not Uint8Array'],
    [{ ranges: [[-4, bytes]] }, `ranges must be as modelMessage makes it, not [[-4, ${bytes}]]`],
  ] as const) {
    const { host, told } = hostOf()
    host.take({ ...whole, ...wrong } as unknown as ModelMessage)
    assert.equal(told, [{ type: 'error', message: `a stream processor: ${text}`, code: 'argument' }])
  }
})

test.run()
