import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scope } from '../../ts/engine/handle.js'
import { ArgumentError, ShapeError } from '../../ts/errors.js'
import { Input } from '../../ts/layers/input.js'
import { camelCase } from '../../ts/layers/names.js'
import { Model } from '../../ts/models/model.js'
import type { ConvOptions } from '../../ts/ops/conv.js'
import * as ops from '../../ts/ops/index.js'
import { tensor } from '../../ts/tensor/tensor.js'
import { balanced, fails, near } from '../engine/support.js'
import { assertClose, numbersOf, type Stored } from '../fixtures/replay.js'

interface Convolution {
  x: Stored
  kernel: Stored
  options: Record<string, unknown>
  y: Stored
}

const { convolutions }: { convolutions: Convolution[] } = JSON.parse(
  readFileSync('test/fixtures/conv.json', 'utf8'),
)
const toTensor = (stored: Stored) => tensor(numbersOf(stored), stored.shape)

test("as Keras's conv: axes, strides, padding, dilation, groups", () => {
  balanced(() =>
    scope(() => {
      for (const { x, kernel, options, y } of convolutions) {
        const named = Object.fromEntries(
          Object.entries(options).map(([k, v]) => [camelCase(k), v]),
        ) as ConvOptions
        const made = ops.conv(toTensor(x), toTensor(kernel), named)
        assert.equal(made.shape, y.shape)
        assertClose(JSON.stringify(options), made.data(), y)
        // channels first is the same over turned images
        const order = y.shape.slice(2).map((_, i) => i + 1)
        const turned = ops.transpose(toTensor(x), [0, y.shape.length - 1, ...order])
        const first = ops.conv(turned, toTensor(kernel), { ...named, dataFormat: 'channelsFirst' })
        assert.equal(ops.transpose(first, [0, ...order.map(i => i + 1), 1]).data(), made.data())
      }
    }),
  )
})

test('causal, a bias, and sizes that are not known', () => {
  balanced(() =>
    scope(() => {
      const y = ops.conv([[[1], [2], [3]]], [[[1]], [[10]]], { padding: 'causal' }, [0.5])
      assert.equal(y.array(), [[[10.5], [21.5], [32.5]]])
      const x = Input({ shape: [null, 1] })
      const model = new Model({ inputs: x, outputs: ops.conv(x, [[[1]], [[1]]], { strides: 2 }) })
      assert.equal(model.predict([[[1], [2], [3], [4]]]).array(), [[[3], [7]]])
      assert.equal(model.predict([[[1], [2], [3]]]).array(), [[[3]]])
      model.dispose()
    }),
  )
})

test('slopes', () => {
  scope(() => {
    const x = ops.reshape(ops.cast([1, -2, 3, 0.5, 2, 1], 'float32'), [1, 3, 2])
    const kernel = ops.reshape(ops.cast([1, 2, 3, 4], 'float32'), [2, 2, 1])
    const loss = (given: readonly unknown[]) => {
      const [x, kernel] = given as [typeof x0, typeof x0]
      return ops.sum(ops.square(ops.conv(x, kernel)))
    }
    const x0 = x
    const [value, [dx, dk]] = ops.valueAndGrad(loss)([x, kernel])
    // y = [1 - 4 + 9 + 2, 3 + 1 + 6 + 4] = [8, 14]
    assert.is(value.item(), 260)
    near([...dx!.data()], [16, 32, 48 + 28, 64 + 56, 84, 112], 1e-5)
    near([...dk!.data()], [16 + 84, -32 + 14, 48 + 56, 8 + 28], 1e-5)
  })
})

test('what does not fit is named', () => {
  scope(() => {
    const x = ops.ones([1, 4, 6])
    const kernel = ops.ones([2, 6, 3])
    fails(() => ops.conv(ops.ones([4, 6]), kernel), ShapeError, /conv: x must be \[batch, 1 to 3 axes/)
    fails(
      () => ops.conv(x, ops.ones([6, 3])),
      ShapeError,
      /conv: kernel must be 1 sizes, channels and filters/,
    )
    fails(() => ops.conv(x, ops.ones([2, 4, 3])), ShapeError, /kernel must be of channels.* 6 channels/)
    fails(() => ops.conv(x, ops.ones([2, 3, 3])), ShapeError, /kernel must be of channels/)
    fails(
      () => ops.conv(x, ops.ones([5, 6, 3])),
      ShapeError,
      /conv: axis 1 of x \[1, 4, 6\] must be 5, not 4/,
    )
    fails(() => ops.conv(x, kernel, { strides: 0 }), ArgumentError, /strides must be a positive integer/)
    fails(() => ops.conv(x, kernel, { dilationRate: [1, 1] }), ArgumentError, /dilationRate/)
    fails(
      () => ops.conv(x, kernel, { padding: 'full' as 'same' }),
      ArgumentError,
      /padding must be valid, same, causal/,
    )
    const images = [ops.ones([1, 4, 4, 6]), ops.ones([2, 2, 6, 3])] as const
    fails(() => ops.conv(...images, { padding: 'causal' }), ArgumentError, /padding must be valid or same/)
    fails(() => ops.conv(...images, { dataFormat: 'first' as 'channelsFirst' }), ArgumentError, /dataFormat/)
    fails(() => ops.conv(x, kernel, {}, [1, 2]), ShapeError, /bias/)
  })
})

test.run()
