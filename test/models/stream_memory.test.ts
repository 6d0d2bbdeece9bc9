import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import { GRU, Input, LSTM, Model, Sequential } from '../../ts/entry/api.js'
import { numbers } from '../support/random.js'

/** Bytes of heap, garbage included, that a call of `run` takes: the median over stretches, as collections come between. */
function bytesPerCall(run: () => void): number {
  const [stretches, calls] = [20, 5000]
  for (let i = 0; i < 2e4; i++) run()
  const grown: number[] = []
  for (let stretch = 0; stretch < stretches; stretch++) {
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < calls; i++) run()
    grown.push((process.memoryUsage().heapUsed - before) / calls)
  }
  return grown.sort((a, b) => a - b)[stretches / 2]!
}

/** At best of a few tries: other code of the process may allocate meanwhile. 10⁵ calls take less than 64 KB. */
function takesNothing(name: string, run: () => void): void {
  let least = Number.POSITIVE_INFINITY
  for (let attempt = 0; attempt < 5 && least > 0.65; attempt++) least = Math.min(least, bytesPerCall(run))
  assert.ok(least < 0.65, `${name}: ${least} bytes a call`)
}

const frame = numbers(4)
const block = numbers(12)

test('the measure sees what a call leaves to be collected', () => {
  const last: { kept?: unknown } = {}
  const bytes = bytesPerCall(() => {
    last.kept = new Array(8).fill(last)
  })
  assert.ok(bytes > 64, `${bytes}`)
})

test('steps of one input allocate nothing', () => {
  using model = new Sequential([new GRU({ units: 3, returnSequences: true, inputShape: [null, 2] })])
  using stream = model.stream({ batch: 2 })
  const [out, long] = [new Float32Array(6), new Float32Array(18)]
  const [bytes, list] = [{ mask: Uint8Array.of(1, 0) }, { mask: [true, false] }]
  const blockMask = { mask: Uint8Array.of(1, 0, 1, 1, 1, 0) }
  takesNothing('step', () => stream.step(frame))
  takesNothing('step with out', () => stream.step(frame, out))
  takesNothing('step of what is in input', () => {
    ;(stream.input as Float32Array).set(frame)
    stream.step()
  })
  takesNothing('step with a mask', () => stream.step(frame, out, bytes))
  takesNothing('step with a mask in an array', () => stream.step(frame, null, list))
  takesNothing('steps', () => stream.steps(block))
  takesNothing('steps with out and mask', () => stream.steps(block, long, blockMask))
})

test('steps with places that hold no row allocate nothing', () => {
  using model = new Sequential([new GRU({ units: 3, returnSequences: true, inputShape: [null, 2] })])
  using stream = model.stream({ batch: 4 })
  stream.removeRow(0)
  stream.removeRow(2)
  const [wide, long] = [numbers(8), numbers(24)]
  takesNothing('step', () => stream.step(wide))
  takesNothing('steps', () => stream.steps(long))
})

test('steps of two inputs and two outputs allocate nothing, and give the same objects', () => {
  const [a, b] = [Input({ shape: [null, 2], name: 'a' }), Input({ shape: [null, 2], name: 'b' })]
  const one = new LSTM({ units: 3, returnSequences: true }).apply(a)
  const two = new GRU({ units: 3, returnSequences: true }).apply(b)
  using named = new Model({ inputs: { a, b }, outputs: { one, two } })
  using listed = new Model({ inputs: [a, b], outputs: [one, two] })
  using byName = named.stream({ batch: 2 })
  using inOrder = listed.stream({ batch: 2 })
  const frames = { a: frame, b: frame }
  const outs: [Float32Array, Float32Array] = [new Float32Array(6), new Float32Array(6)]
  const masks = { mask: { a: Uint8Array.of(1, 0), b: Uint8Array.of(0, 1) } }
  const list = [frame, frame]
  takesNothing('objects', () => byName.step(frames))
  takesNothing('objects with masks', () => byName.step(frames, null, masks))
  takesNothing('arrays', () => inOrder.step(list))
  takesNothing('arrays with out', () => inOrder.step(list, outs))
  const blocks = { a: block, b: block }
  takesNothing('blocks', () => byName.steps(blocks))
  assert.is(byName.step(frames), byName.step(frames))
  assert.is(inOrder.step(list, outs), outs)
  byName.resetStates()
  inOrder.resetStates()
  const { one: first, two: second } = byName.step(frames)
  inOrder.step({ a: frame, b: frame }, outs)
  assert.equal([...outs[0], ...outs[1]], [...first, ...second])
})

test.run()
