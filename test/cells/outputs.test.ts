/** Cells that say the form of their outputs. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  CellError,
  ops,
  RNN,
  RNNCell,
  type Shape,
  type SymbolicTensor,
  scope,
  shape,
  type Tensor,
  tensor,
} from '../../ts/entry/api.js'
import { balanced, fails } from '../engine/support.js'

/** Two outputs of which `outputSize` may say the form. */
const twoOutputs = (outputSize: unknown, output: (h: SymbolicTensor) => unknown) => ({
  stateSize: 3,
  outputSize: outputSize as never,
  call: (x: Tensor, [h]: [Tensor]) => {
    const next = ops.tanh(ops.add(x, h))
    return [output(next), [next]]
  },
})

test('outputSize says the form of several outputs', () =>
  balanced(() =>
    scope(() => {
      const data = tensor([
        [
          [1, 2, 3],
          [0, 1, -1],
        ],
      ])
      const sum = (h: SymbolicTensor) => ops.sum(h, -1, true)
      const wide = (h: SymbolicTensor) => ops.expandDims(h, 1)
      const run = (cell: object) => {
        using layer = new RNN({ cell: cell as never, returnSequences: true })
        return layer.apply(data) as unknown
      }
      const shapes = (value: unknown) => JSON.stringify(value, (_, v) => (v?.dtype ? v.shape : v))
      const forms: [unknown, (h: SymbolicTensor) => unknown, unknown][] = [
        [
          [shape(3), shape(1, 3)],
          h => [h, wide(h)],
          [
            [1, 2, 3],
            [1, 2, 1, 3],
          ],
        ],
        [{ a: 1, b: [1, 3] }, h => ({ b: wide(h), a: sum(h) }), { a: [1, 2, 1], b: [1, 2, 1, 3] }],
        [
          { a: 3, b: [[1, 3], { c: 1 }] },
          h => ({ a: h, b: [wide(h), { c: sum(h) }] }),
          { a: [1, 2, 3], b: [[1, 2, 1, 3], { c: [1, 2, 1] }] },
        ],
        [[1, 3], wide, [1, 2, 1, 3]],
      ]
      for (const [size, output, expected] of forms)
        assert.is(shapes(run(twoOutputs(size, output))), JSON.stringify(expected))
      // the next cell of a stack is built for them
      let built: unknown
      class Next extends RNNCell {
        constructor() {
          super()
          this.stateSize = 3
        }
        override build(inputShape: Shape) {
          built = inputShape
        }
        override call({ a, b }: { a: Tensor; b: Tensor }, [h]: [Tensor]) {
          const next = ops.add(h, ops.multiply(a, ops.squeeze(b, 1)))
          return [next, [next]]
        }
      }
      const first = twoOutputs({ a: 1, b: [1, 3] }, h => ({ b: wide(h), a: sum(h) }))
      const y = run([first, new Next()]) as Tensor
      assert.is(JSON.stringify(built), '{"a":[null,1],"b":[null,1,3]}')
      const alone = run(twoOutputs(3, h => h)) as Tensor
      const product = ops.multiply(alone, ops.sum(alone, -1, true)) as Tensor
      assert.equal(y.array(), (ops.cumsum(product, 1) as Tensor).array())
      fails(
        () => run(twoOutputs({ a: 3, b: 1 }, h => ({ a: h, b: h }))),
        CellError,
        /the output must be \[null, 1\], not tensor float32 \[null, 3\]/,
      )
      fails(() => run(twoOutputs({ a: 3 }, h => h)), CellError, /the output must be { a }, not tensor/)
      fails(
        () => run(twoOutputs([shape(3), 3], h => [h])),
        CellError,
        /the output must be \[\[null, 3\], \[null, 3\]\], not \[tensor/,
      )
    }),
  ))

test.run()
