import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  ArgumentError,
  Dense,
  type Initializer,
  type InitializerLike,
  initializers,
  ops,
  ShapeError,
  scope,
  setRandomSeed,
} from '../../ts/entry/api.js'
import { fans } from '../../ts/initializers/random.js'
import { nextKey, seedKey } from '../../ts/ops/seed.js'
import { balanced, fails } from '../engine/support.js'

const draw = (initializer: Initializer, shape: number[], key = seedKey(1)) =>
  scope(() => initializer.draw(shape, key).data())

const deviation = (values: Float32Array) => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)
}

test('constants', () =>
  balanced(() => {
    assert.equal([...draw(initializers.zeros(), [3])], [0, 0, 0])
    assert.equal([...draw(initializers.ones(), [2, 1])], [1, 1])
    assert.equal([...draw(initializers.constant({ value: 0.5 }), [2])], [0.5, 0.5])
    assert.equal([...draw(initializers.identity({ gain: 2 }), [2, 3])], [2, 0, 0, 0, 2, 0])
    fails(() => draw(initializers.identity(), [2]), ShapeError, /matrices/)
  }))

test('distributions have their ranges and deviations', () => {
  const shape = [200, 300]
  const limit = (values: Float32Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  const uniforms: [Initializer, number][] = [
    [initializers.randomUniform(), 0.05],
    [initializers.randomUniform({ minval: -3, maxval: 3 }), 3],
    [initializers.glorotUniform(), Math.sqrt(6 / 500)],
    [initializers.heUniform(), Math.sqrt(6 / 200)],
    [initializers.lecunUniform(), Math.sqrt(3 / 200)],
    [initializers.varianceScaling({ scale: 2, mode: 'fanOut', distribution: 'uniform' }), Math.sqrt(6 / 300)],
  ]
  for (const [initializer, expected] of uniforms) {
    const values = draw(initializer, shape)
    assert.ok(limit(values) <= Math.fround(expected), initializer.className)
    assert.ok(limit(values) > 0.99 * expected, initializer.className)
    assert.ok(Math.abs(deviation(values) / (expected / Math.sqrt(3)) - 1) < 0.02, initializer.className)
  }
  const normals: [Initializer, number][] = [
    [initializers.randomNormal({ stddev: 2 }), 2],
    [initializers.glorotNormal(), Math.sqrt(2 / 500)],
    [initializers.heNormal(), Math.sqrt(2 / 200)],
    [initializers.lecunNormal(), Math.sqrt(1 / 200)],
    [initializers.varianceScaling({ distribution: 'untruncatedNormal' }), Math.sqrt(1 / 200)],
    [initializers.truncatedNormal(), 0.05 * 0.8796256610342398],
  ]
  for (const [initializer, expected] of normals) {
    assert.ok(Math.abs(deviation(draw(initializer, shape)) / expected - 1) < 0.02, initializer.className)
  }
  assert.ok(limit(draw(initializers.truncatedNormal(), shape)) <= Math.fround(0.1))
})

test('orthogonal: orthonormal rows or columns, whichever are fewer', () => {
  for (const shape of [
    [5, 5],
    [7, 3],
    [3, 12],
    [2, 3, 4],
  ]) {
    const columns = shape.at(-1)!
    const rows = shape.slice(0, -1).reduce((a, b) => a * b, 1)
    const product = scope(() => {
      const q = ops.reshape(initializers.orthogonal({ gain: 2 }).draw(shape, seedKey(3)), [rows, columns])
      const qt = ops.transpose(q)
      return (rows < columns ? ops.matmul(q, qt) : ops.matmul(qt, q)).array() as number[][]
    })
    for (const [i, row] of product.entries()) {
      for (const [j, value] of row.entries())
        assert.ok(Math.abs(value - (i === j ? 4 : 0)) < 1e-5, `${shape} ${i} ${j}: ${value}`)
    }
  }
  fails(() => draw(initializers.orthogonal(), [4]), ShapeError, /two axes/)
})

test('fans, as Keras counts them', () => {
  assert.equal([[], [3], [3, 4], [2, 2, 3, 4]].map(fans), [
    [1, 1],
    [3, 3],
    [3, 4],
    [12, 16],
  ])
})

test('seeds: explicit ones decide alone, others follow the global one and the weight', () => {
  const seeded = initializers.glorotUniform({ seed: 7 })
  assert.equal([...draw(seeded, [2, 2], seedKey(1))], [...draw(seeded, [2, 2], seedKey(2))])
  assert.not.equal(
    [...draw(initializers.glorotUniform(), [2, 2], seedKey(1))],
    [...draw(initializers.glorotUniform(), [2, 2], seedKey(2))],
  )
  setRandomSeed(3)
  const first = [nextKey('a'), nextKey('a'), nextKey('b')]
  assert.is(new Set(first.map(String)).size, 3)
  setRandomSeed(3)
  assert.equal([nextKey('a'), nextKey('a'), nextKey('b')], first)
})

test('names in every spelling, configs, own initializers, and wrong ones', () => {
  const config = (kernelInitializer: InitializerLike) =>
    (new Dense({ units: 1, kernelInitializer }).getConfig() as { kernel_initializer: object })
      .kernel_initializer
  const uniform = {
    module: 'keras.initializers',
    class_name: 'RandomUniform',
    config: { minval: -0.05, maxval: 0.05, seed: null },
    registered_name: null,
  }
  assert.equal(config('uniform'), uniform)
  assert.equal(config('random_uniform' as never), uniform)
  assert.equal(config(uniform), uniform)
  assert.equal(config({ className: 'RandomUniform' }), uniform)
  assert.equal(config('lecunNormal'), config('LecunNormal' as never))
  assert.equal(config('varianceScaling'), {
    ...uniform,
    class_name: 'VarianceScaling',
    config: { scale: 1, mode: 'fan_in', distribution: 'truncated_normal', seed: null },
  })
  using own = new Dense({ units: 2, kernelInitializer: { draw: shape => ops.full(shape, 3) } })
  own.build([null, 1])
  assert.equal(own.getWeights()[0]!.array(), [[3, 3]])
  fails(
    () => new Dense({ units: 1, kernelInitializer: 'glorot' as never }),
    ArgumentError,
    /is no initializer/,
  )
  fails(
    () => new Dense({ units: 1, kernelInitializer: null as never }),
    ArgumentError,
    /kernelInitializer must be/,
  )
  fails(() => initializers.randomNormal({ std: 1 } as never), ArgumentError, /did you mean "stddev"/)
  fails(
    () => initializers.varianceScaling({ mode: 'fan' as never }),
    ArgumentError,
    /fan_in, fan_out, fan_avg/,
  )
})

test('values are drawn only when they are needed', () => {
  let drawn = 0
  const kernelInitializer = {
    draw(shape: readonly number[]) {
      drawn++
      return ops.ones(shape)
    },
  }
  using layer = new Dense({ units: 2, kernelInitializer })
  layer.build([null, 3])
  layer.setWeights([new Float32Array(6), [0, 0]])
  assert.is(drawn, 0)
  using other = new Dense({ units: 2, kernelInitializer })
  scope(() => void other.apply([[1, 2, 3]]))
  other.getWeights()
  assert.is(drawn, 1)
})

test.run()
