import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import { currentEngine, type Engine } from '../../ts/engine/engine.js'
import { LayerRnnError } from '../../ts/errors.js'
import type { NestedArray } from '../../ts/tensor/ndarray.js'

/** Runs `fn`, which must throw this class with a message that matches; gives the error. */
export function fails<E extends LayerRnnError>(
  fn: () => unknown,
  Class: new (...args: never[]) => E,
  pattern: RegExp,
): E {
  let error: unknown
  try {
    fn()
  } catch (thrown) {
    error = thrown
  }
  assert.ok(error instanceof Class, `expected ${Class.name}, got ${error}`)
  assert.ok(error instanceof LayerRnnError)
  assert.is(error.name, Class.name)
  assert.is(`${error.code}error`, Class.name.toLowerCase())
  assert.match(error.message, pattern)
  return error
}

/** Runs `fn`, which must leave as many live things as there were. */
export function balanced<T>(fn: () => T, engine: Engine = currentEngine()): T {
  const live = () => {
    const { tensors, programs, calls } = engine.stats()
    return { tensors, programs, calls }
  }
  const before = live()
  const result = fn()
  assert.equal(live(), before, 'live things')
  return result
}

/** Whether nested arrays are the same but for rounding. */
export function near(
  actual: NestedArray,
  expected: NestedArray | readonly NestedArray[],
  tolerance = 1e-6,
): void {
  const [a, b] = [[actual].flat(9), [expected].flat(9)] as [number[], number[]]
  assert.is(a.length, b.length)
  a.forEach((value, i) => {
    const good = Object.is(value, b[i]) || Math.abs(value - b[i]!) <= tolerance * (1 + Math.abs(b[i]!))
    assert.ok(good, `element ${i}: ${value}, expected ${b[i]}`)
  })
}

setFlagsFromString('--expose-gc')

/** Collects garbage now. */
export const collectGarbage = runInNewContext('gc') as () => void
