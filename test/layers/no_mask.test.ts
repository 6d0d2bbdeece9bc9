/** `mask: false`: every step counts, whatever mask the input carries; as in Keras 3's files with initial states. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  Bidirectional,
  Dense,
  deserialize,
  GRU,
  Input,
  Masking,
  Model,
  Sequential,
  type SymbolicTensor,
  serialize,
  TimeDistributed,
} from '../../ts/entry/api.js'
import { balanced } from '../engine/support.js'
import { sequences } from '../support/random.js'

const x = sequences(2, 4, 3)
x[0]![1] = [0, 0, 0]
x[1]![3] = [0, 0, 0]

const layers = {
  GRU: () => new GRU({ units: 2, returnSequences: true }),
  Bidirectional: () => new Bidirectional({ layer: new GRU({ units: 2 }) }),
  TimeDistributed: () => new TimeDistributed({ layer: new Dense({ units: 2 }) }),
  model: () => new Sequential([new GRU({ units: 2, inputShape: [null, 3] })]),
}

for (const [name, make] of Object.entries(layers))
  test(`${name}: as without a mask, and nothing behind it has one`, () =>
    balanced(() => {
      using layer = make()
      using last = new GRU({ units: 2 })
      const input = Input({ shape: [null, 3] })
      const skipped = new Masking().apply(input) as SymbolicTensor
      const both = [
        layer.apply(skipped, { mask: false }),
        layer.apply(input),
        layer.apply(skipped),
      ] as SymbolicTensor[]
      const outputs = name === 'GRU' ? both.map(y => last.apply(y) as SymbolicTensor) : both
      using model = new Model({ inputs: input, outputs })
      using again = deserialize(serialize(model)) as Model
      again.setWeights(model.getWeights())
      for (const each of [model, again]) {
        const [bare, plain, masked] = (each.predict(x) as unknown as { array(): unknown }[]).map(y =>
          y.array(),
        )
        assert.equal(bare, plain)
        if (name !== 'TimeDistributed') assert.not.equal(bare, masked)
      }
    }))

test.run()
