/** Variables that steps and layers assign, where a model is heard. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  Layer,
  type Model,
  ops,
  RNN,
  Sequential,
  type SymbolicTensor,
  type Variable,
} from '../../ts/entry/api.js'
import { modelMessage } from '../../ts/entry/worklet.js'
import { Counter } from '../cells/support.js'
import { balanced } from '../engine/support.js'
import { hostOf, play, quantum } from './support.js'

/** What it sees, times the number of runs before. */
class Runs extends Layer {
  runs!: Variable
  override build() {
    this.runs = this.addWeight({ shape: [], initializer: 'zeros', name: 'runs', trainable: false })
  }
  override call(x: SymbolicTensor) {
    this.runs.assign(ops.add(this.runs, 1))
    return ops.multiply(x, this.runs)
  }
}

test('variables that the model assigns begin as they are in the model, and again after a reset', () =>
  balanced(() => {
    const samples = new Float32Array(2 * quantum + 50).fill(1)
    for (const [layer, hop, from] of [
      [new RNN({ cell: new Counter(), returnSequences: true, inputShape: [null, 1] }), 1, 0],
      [new RNN({ cell: new Counter(), returnSequences: true, inputShape: [null, 1] }), 1, 5],
      [new Runs({ inputShape: [null, 2] }), 2, 0],
    ] as const) {
      using model = new Sequential([layer])
      const [variable] = layer.weights
      variable!.assign(from)
      const { host } = hostOf(modelMessage(model as unknown as Model, hop === 1 ? {} : { hop }))
      assert.is(variable!.item(), from)
      using stream = model.stream()
      const heard = new Float32Array(samples.length + hop - 1)
      for (let at = 0; at < samples.length; at += hop)
        heard.set(stream.step(samples.subarray(at, at + hop)) as Float32Array, at + hop - 1)
      const expected = heard.subarray(0, samples.length)
      assert.equal(play(host, [samples])[0], expected)
      host.take({ type: 'reset' })
      assert.equal(play(host, [samples])[0], expected)
      host.dispose()
    }
  }))

test.run()
