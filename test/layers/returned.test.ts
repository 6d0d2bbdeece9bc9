/** What the functions of users return is checked: a layer's `call`, an activation. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import { ArgumentError, Dense, Layer, type Tensor } from '../../ts/entry/api.js'
import { fails } from '../engine/support.js'

/** A layer that returns this, applied. */
function returning(value: (x: Tensor) => unknown) {
  class Own extends Layer {
    override call(x: Tensor) {
      return value(x)
    }
  }
  return new Own({ name: 'own' }).apply([[1, 2]])
}

const wrong: Record<string, (x: Tensor) => unknown> = {
  nothing: () => undefined,
  'a number': () => 3,
  'a number beside a tensor': x => [x, 3],
  'an empty list': () => [],
  'a promise': async x => x,
}

for (const [what, value] of Object.entries(wrong))
  test(`${what} in the place of a tensor`, () => {
    const error = fails(
      () => returning(value),
      ArgumentError,
      /^own: call must return a tensor or several, not /,
    )
    assert.equal([error.layer, error.argument], ['own', 'call'])
    if (what === 'an empty list') return
    const dense = new Dense({ units: 2, name: 'd', activation: value as never })
    const other = fails(
      () => dense.apply([[1, 2]]),
      ArgumentError,
      /^d: activation must return a tensor, not /,
    )
    assert.equal([other.layer, other.argument], ['d', 'activation'])
  })

test('a layer without call', () => {
  // @ts-expect-error: refused by its types too
  class Without extends Layer {
    Call(x: Tensor) {
      return x
    }
  }
  fails(() => new (Without as unknown as new () => Dense)().apply([[1]]), ArgumentError, /call must return/)
})

test.run()
