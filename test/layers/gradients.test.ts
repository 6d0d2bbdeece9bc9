/** Gradients of recurrent layers against Keras's (written by scripts/fixtures/gradients.py and conv.py). */
import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/index.js'
import { scope } from '../../ts/engine/handle.js'
import { deserialize } from '../../ts/layers/builtin.js'
import { leaves } from '../../ts/layers/structure.js'
import * as ops from '../../ts/ops/index.js'
import { type SymbolicTensor, tensor } from '../../ts/tensor/tensor.js'
import { balanced } from '../engine/support.js'
import { assertClose, named, numbersOf, type Stored } from '../fixtures/replay.js'

interface Case {
  name: string
  family: 2 | 3
  class_name: string
  config: Record<string, unknown>
  x: Stored
  weights: Stored[]
  mask?: number[][]
  states?: Stored[]
  dys: Stored[]
  /** Of x, the weights, the states. */
  gradients: Stored[]
}

const cases = ['gradients', 'conv'].flatMap(file => {
  const { cases }: { cases: Case[] } = JSON.parse(readFileSync(`test/fixtures/${file}.json`, 'utf8'))
  return cases.filter(each => each.gradients)
})

for (const { name, family, class_name, config, x, weights, mask, states = [], dys, gradients } of cases) {
  test(name, () => {
    balanced(() =>
      scope(() => {
        const layer = deserialize({ class_name, config: named(config, family) })
        layer.build(x.shape)
        layer.setWeights(weights.map(numbersOf))
        const loss = ([x, ...initial]: SymbolicTensor[]): SymbolicTensor => {
          const options = { ...(mask && { mask }), ...(initial.length > 0 && { initialState: initial }) }
          const outputs = leaves(layer.apply(x!, options)) as SymbolicTensor[]
          const parts = outputs.map((y, i) => ops.sum(ops.multiply(y, toTensor(dys[i]!))))
          return parts.reduce((total, part) => ops.add(total, part))
        }
        const given = [x, ...states].map(toTensor)
        const [value, [byX, ...byStates]] = ops.valueAndGrad(loss)(given)
        const [again, byWeights] = ops.valueAndGrad(loss, { variables: layer.trainableWeights })(given)
        assert.equal(again.data(), value.data())
        for (const [i, gradient] of [byX!, ...byWeights, ...byStates].entries()) {
          assert.equal(gradient.shape, gradients[i]!.shape)
          assertClose(`gradient ${i}`, gradient.data(), gradients[i]!)
        }
        layer.dispose()
      }),
    )
  })
}

function toTensor(stored: Stored) {
  return tensor(numbersOf(stored), stored.shape)
}

test.run()
