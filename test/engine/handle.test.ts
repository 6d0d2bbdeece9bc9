import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { currentEngine } from '../../ts/engine/engine.js'
import { keep, scope } from '../../ts/engine/handle.js'
import { ArgumentError, DisposedError } from '../../ts/errors.js'
import * as ops from '../../ts/ops/index.js'
import { type Tensor, tensor, Variable } from '../../ts/tensor/tensor.js'
import { balanced, collectGarbage, fails } from './support.js'

test('dispose is idempotent, and use afterwards names the tensor', () => {
  const a = balanced(() => {
    const a = tensor([[1, 2]])
    a.dispose()
    a.dispose()
    return a
  })
  assert.ok(a.disposed)
  fails(() => a.data(), DisposedError, /tensor float32 \[1, 2\] has been disposed/)
  fails(() => a.array(), DisposedError, /disposed/)
  fails(() => ops.add(a, 1), DisposedError, /disposed/)
})

test('using disposes at the end of the block', () => {
  balanced(() => {
    using a = tensor([1, 2])
    using b = ops.add(a, a)
    assert.equal(b.array(), [2, 4])
  })
})

test('scope frees all but its result', () => {
  balanced(() => {
    const { sum, list } = scope(() => {
      const a = tensor([1, 2, 3])
      const b = ops.multiply(a, a)
      return { sum: ops.sum(b), list: [ops.add(a, b), { deep: b }] as const }
    })
    assert.is(sum.item(), 14)
    assert.equal(list[0].array(), [2, 6, 12])
    for (const t of [sum, list[0], list[1].deep]) t.dispose()
  })
})

test('scopes nest: what an inner one returns belongs to the outer one', () => {
  balanced(() => {
    let inner: Tensor | undefined
    scope(() => {
      inner = scope(() => ops.add(tensor([1]), 1))
      assert.not(inner.disposed)
    })
    assert.ok(inner!.disposed)
  })
})

test('keep exempts, also from outer scopes; variables are never freed', () => {
  balanced(() => {
    let kept: Tensor | undefined
    let variable: Variable | undefined
    scope(() => {
      scope(() => {
        kept = keep({ t: tensor([7]) }).t
        variable = new Variable({ name: 'v', shape: [1] })
      })
    })
    assert.is(kept!.item(), 7)
    assert.is(variable!.item(), 0)
    kept!.dispose()
    variable!.dispose()
  })
})

test('a scope that throws frees everything; async functions are refused', () => {
  balanced(() => {
    assert.throws(
      () =>
        scope(() => {
          tensor([1])
          throw new Error('mine')
        }),
      /mine/,
    )
    fails(() => scope(async () => tensor([1])), ArgumentError, /async/)
  })
})

test('forgotten tensors are freed by the garbage collector', async () => {
  const before = currentEngine().stats().tensors
  for (let i = 0; i < 100; i++) tensor([i])
  for (let i = 0; i < 200 && currentEngine().stats().tensors > before; i++) {
    collectGarbage()
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  assert.ok(currentEngine().stats().tensors <= before + 1)
})

test('scope needs a function', () => {
  const error = fails(() => scope(1 as never), ArgumentError, /^scope: fn must be a function, not 1$/)
  assert.equal([error.argument, error.actual], ['fn', 1])
})

test.run()
