/** Frames, blocks and options that a stream takes, and those that it refuses. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import { GRU, LayerRnnError, Sequential } from '../../ts/entry/api.js'
import { balanced } from '../engine/support.js'

test('a frame is given, or was written before', () =>
  balanced(() => {
    using model = new Sequential([new GRU({ units: 2, inputShape: [null, 2] })], { name: 'm' })
    using stream = model.stream()
    using given = model.stream()
    const expected = given.step([1, 2]).slice()
    ;(stream.input as Float32Array).set([1, 2])
    assert.equal(stream.step(), expected)
    stream.resetStates()
    const out = new Float32Array(2)
    assert.is(stream.step(null, out), out)
    assert.equal(out, expected)
    const frames: number[][] = []
    const wrong: [() => unknown, string, RegExp][] = [
      [() => stream.step([1, 2], new Int32Array(2) as never), 'out', /typed array for float32/],
      [() => stream.step([1, 2], [0, 0] as never), 'out', /typed array for float32/],
      [() => stream.step(frames[0] as never), 'frame', /^m: the frame is undefined; give null/],
      [() => stream.step('abc' as never), 'frame', /^m: frame must be numbers/],
      [() => stream.step([1]), 'frame', /^m: frame must hold 2 numbers/],
      [() => stream.step([1, 2], new Float32Array(1)), 'out', /^m: out must hold 2/],
      [() => stream.step([1, 2], null, 5 as never), 'options', /step takes one object/],
      [() => stream.steps(undefined as never), 'block', /^m: block must be numbers/],
      [() => stream.setStates(undefined as never), 'states', /^m: states must be an object/],
      [() => stream.resetStates(null as never), 'states', /an object/],
      [
        () =>
          stream.setStates({
            gru: [
              [1, 2],
              [1, 2],
            ],
          }),
        'states',
        /^gru: state 0 must have the shape \[1, 2\], not \[2, 2\]/,
      ],
      [
        () => model.stream(2 as never),
        'options',
        /stream takes one object of options, as \{ batch \}, not 2/,
      ],
    ]
    for (const [use, argument, text] of wrong) {
      let error: unknown
      try {
        use()
      } catch (thrown) {
        error = thrown
      }
      assert.instance(error, LayerRnnError)
      const { message, argument: named, layer } = error as LayerRnnError
      assert.match(message, text)
      assert.is(named, argument)
      assert.is(layer, text.source.startsWith('^gru') ? 'gru' : 'm')
    }
  }))

test.run()
