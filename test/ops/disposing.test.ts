/** Ops on data leave nothing but their results, and nothing when they refuse what they are given. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import { createEngine, LayerRnnError, NdArray, ops, type Tensor } from '../../ts/entry/api.js'
import { numbers } from '../support/random.js'

type Call = (...args: unknown[]) => unknown

/** These take functions or generators, and are called below. */
const apart = new Set(['grad', 'valueAndGrad', 'scan', 'cond', 'SeedGenerator'])

const all = Object.entries({ ...ops, ...ops.random }).filter(
  ([name, op]) => typeof op === 'function' && !apart.has(name),
) as [string, Call][]

const array = (...shape: number[]) =>
  new NdArray(numbers(shape.reduce((a, b) => a * b)), shape) as unknown as number[]

/** What ops may take: each is called with all of these. */
const given: (() => unknown[])[] = [
  () => [array(2, 3, 4)],
  () => [array(2, 3, 4), array(2, 3, 4)],
  () => [array(2, 3, 4), 1],
  () => [array(2, 3, 4), 0, 1],
  () => [array(2, 3, 4), [1, 0, 2]],
  () => [array(2, 3, 4), array(4, 3)],
  () => [array(2, 3, 4), array(4, 3), array(3)],
  () => [[array(2, 3), array(2, 3)], -1],
  () => ['ij,jk->ik', array(2, 3), array(3, 4)],
  () => [array(1, 3), 0],
  () => [array(3, 3), [1, 1], [2, 2]],
  () => [array(1, 6, 4), array(3, 4, 2)],
  () => [
    [true, false],
    [1, 2],
    [3, 4],
  ],
  () => [[[0, 1]], 2],
  () => [[1.5, 2], 'int32'],
  () => [
    array(3, 4),
    [
      [1, 1],
      [0, 2],
    ],
  ],
  () => [[2, 3]],
  () => [[2, 3], 1],
  () => [[2, 3], { seed: 3 }],
]

function dispose(value: unknown): void {
  if (value === null || typeof value !== 'object') return
  if ('dispose' in value) (value as Tensor).dispose()
  else for (const each of Object.values(value)) dispose(each)
}

const live = ({ tensors, programs, calls }: Record<string, number>) => tensors! + programs! + calls!

test('every op', () => {
  const engine = createEngine()
  const taken = new Set<string>()
  engine.use(() => {
    for (const [name, op] of all)
      for (const args of given) {
        let result: unknown
        try {
          result = op(...args())
        } catch (error) {
          assert.instance(error, LayerRnnError, `${name}: ${error}`)
          assert.is(live(engine.stats() as never), 0, `${name} refuses ${args}: ${error}`)
          continue
        }
        taken.add(name)
        dispose(result)
        assert.is(live(engine.stats() as never), 0, `${name} takes ${args}`)
      }
  })
  engine.dispose()
  assert.equal(
    all.map(([name]) => name).filter(name => !taken.has(name)),
    [],
    'never taken',
  )
})

test('gradients, loops, choices, generators', () => {
  const engine = createEngine()
  engine.use(() => {
    const loss = (x: Tensor) => ops.sum(ops.square(x))
    const x = [1, 2, 3]
    using seed = new ops.random.SeedGenerator({ seed: 1 })
    using variable = ops.add(1, 1)
    const before = live(engine.stats() as never)
    const calls: Record<string, () => unknown> = {
      grad: () => ops.grad(loss as never)(x),
      valueAndGrad: () => ops.valueAndGrad(loss as never)(x),
      twice: () =>
        ops.grad(((x: Tensor) => ops.sum(ops.grad(loss as never)(x as never) as never)) as never)(x),
      scan: () => ops.scan((sum, x) => [ops.add(sum, x), sum], 0, [1, 2, 3]),
      cond: () =>
        ops.cond(
          true,
          () => ops.add(variable, 1),
          () => variable,
        ),
      generator: () => ops.random.bernoulli([3], { seed }),
    }
    for (const [name, call] of Object.entries(calls)) {
      dispose(call())
      assert.is(live(engine.stats() as never), before, name)
    }
  })
  engine.dispose()
})

test.run()
