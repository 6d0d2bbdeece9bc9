import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scope } from '../../ts/engine/handle.js'
import { randomNormal, randomUniform, truncatedNormal } from '../../ts/ops/draw.js'
import { balanced } from '../engine/support.js'

const moments = (data: Float32Array) => {
  const mean = data.reduce((a, b) => a + b, 0) / data.length
  return [mean, Math.sqrt(data.reduce((sum, x) => sum + (x - mean) ** 2, 0) / data.length)] as const
}

const within = (actual: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(actual - expected) < tolerance, `${actual}, expected ${expected}`)

test('distributions have their moments and bounds', () => {
  balanced(() =>
    scope(() => {
      const uniform = randomUniform([200, 200], -1, 3, [1, 2]).data()
      assert.ok(uniform.every(x => x >= -1 && x < 3))
      within(moments(uniform)[0], 1, 0.03)
      within(moments(uniform)[1], 4 / Math.sqrt(12), 0.02)
      const normal = randomNormal([200, 200], 2, 0.5, [3, 4]).data()
      within(moments(normal)[0], 2, 0.015)
      within(moments(normal)[1], 0.5, 0.01)
      const cut = truncatedNormal([200, 200], 0, 1, [5, 6]).data()
      assert.ok(cut.every(x => Math.abs(x) <= 2))
      within(moments(cut)[0], 0, 0.02)
      within(moments(cut)[1], 0.8796256610342398, 0.015)
    }),
  )
})

test('a seed gives the same numbers, another one others; rows do not depend on how many there are', () => {
  scope(() => {
    const data = (rows: number, seed: readonly [number, number]) => randomNormal([rows, 5], 0, 1, seed).data()
    assert.equal(data(4, [7, 0xffffffff]), data(4, [7, 0xffffffff]))
    assert.not.equal(data(4, [7, 8]), data(4, [8, 7]))
    assert.equal(data(2, [7, 8]), data(4, [7, 8]).slice(0, 10))
  })
})

test.run()
