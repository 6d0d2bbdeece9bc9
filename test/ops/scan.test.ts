import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { currentEngine } from '../../ts/engine/engine.js'
import { scope } from '../../ts/engine/handle.js'
import { ArgumentError, ShapeError, TraceError } from '../../ts/errors.js'
import * as ops from '../../ts/ops/index.js'
import { Trace } from '../../ts/ops/trace.js'
import { type SymbolicTensor, type Tensor, tensor, Variable } from '../../ts/tensor/tensor.js'
import { balanced, fails, near } from '../engine/support.js'
import { matrix } from '../support/random.js'

const w = matrix(3, 3)

/** A small recurrent step, on numbers. */
const step = (w: number[][], h: number[], x: number[]) =>
  h.map((_, j) => Math.tanh(x[j]! + h.reduce((sum, value, k) => sum + value * w[k]![j]!, 0)))

/** The same with ops, of vectors. */
const traced = (w: SymbolicTensor) => (h: Tensor, x: Tensor) => {
  const next = ops.tanh(ops.add(x, ops.squeeze(ops.matmul(ops.expandDims(h, 0), w), 0)))
  return [next, next] as const
}

test('numbers: carries and stacked results, both directions', () =>
  balanced(() =>
    scope(() => {
      const [sum, before] = ops.scan((sum, x) => [ops.add(sum, x), sum] as const, 0, [1, 2, 3])
      assert.is(sum.item(), 6)
      assert.equal(before.array(), [0, 1, 3])
      const [, back] = ops.scan((sum, x) => [ops.add(sum, x), sum] as const, 0, [1, 2, 3], { reverse: true })
      assert.equal(back.array(), [5, 3, 0])
      const x = matrix(4, 3, 5)
      let h = [0, 0, 0]
      const expected = x.map(row => (h = step(w, h, row)))
      const [last, all] = ops.scan(traced(tensor(w)), [0, 0, 0], x)
      near(all.array(), expected)
      near(last.array(), h)
    }),
  ))

test('structures: carries by name, several sequences, no sequences, nothing to stack', () =>
  balanced(() =>
    scope(() => {
      const [{ a, b }, [twice, rows]] = ops.scan(
        ({ a, b }, [x, { y }]) => [{ b: ops.add(b, 1), a: ops.add(a, x) }, [ops.multiply(x, 2), y]] as const,
        { a: tensor([0, 0]), b: tensor(3, [], 'int32') },
        [
          tensor([
            [1, 2],
            [3, 4],
          ]),
          { y: tensor([7, 8]) },
        ] as const,
      )
      assert.equal(a.array(), [4, 6])
      assert.equal([b.item(), b.dtype], [5, 'int32'])
      assert.equal(twice.array(), [
        [2, 4],
        [6, 8],
      ])
      assert.equal(rows.array(), [7, 8])
      const [power, none] = ops.scan(p => [ops.multiply(p, 2), null] as const, 1, null, { length: 10 })
      assert.equal([power.item(), none], [1024, null])
    }),
  ))

test('gradients by central differences: carry, sequences, what is read from outside, both directions', () => {
  const x = matrix(4, 3, 5)
  const variable = new Variable({ name: 'w', shape: [3, 3] }).assign(w)
  balanced(() => {
    for (const reverse of [false, true]) {
      const loss = (w: SymbolicTensor, h: SymbolicTensor, x: SymbolicTensor) => {
        const [last, all] = ops.scan(traced(w), h, x, { reverse })
        return ops.add(ops.sum(ops.square(last)), ops.sum(ops.multiply(all, [1, -2, 0.5])))
      }
      const at = (w: number[][], h: number[], x: number[][]) => {
        let state = h
        const all = [...x.keys()].map(i => {
          const t = reverse ? x.length - 1 - i : i
          state = step(w, state, x[t]!)
          return state
        })
        const weigh = all.flatMap(row => row.map((value, i) => value * [1, -2, 0.5][i]!))
        return [...state.map(value => value * value), ...weigh].reduce((a, b) => a + b)
      }
      const h = [0.3, -0.4, 0.2]
      scope(() => {
        const gradients = ops.grad(loss)(tensor(w), tensor(h), tensor(x))
        const moved = (m: number[][], i: number, j: number, by: number) =>
          m.map((row, a) => row.map((value, b) => (a === i && b === j ? value + by : value)))
        const slope = (fn: (by: number) => number) => (fn(1e-5) - fn(-1e-5)) / 2e-5
        near(
          gradients[0].array(),
          w.map((row, i) => row.map((_, j) => slope(by => at(moved(w, i, j, by), h, x)))),
          1e-5,
        )
        near(
          gradients[1].array(),
          h.map((_, j) => slope(by => at(w, moved([h], 0, j, by)[0]!, x))),
          1e-5,
        )
        near(
          gradients[2].array(),
          x.map((row, i) => row.map((_, j) => slope(by => at(w, h, moved(x, i, j, by))))),
          1e-5,
        )
        const [byVariable] = ops.grad((h: SymbolicTensor, x: SymbolicTensor) => loss(variable, h, x), {
          variables: [variable],
        })(h, x)
        assert.equal(byVariable!.array(), gradients[0].array())
      })
    }
  })
  variable.dispose()
})

test('in a trace of unknown sizes, and inside another scan', () =>
  balanced(() => {
    const program = Trace.program(currentEngine(), 'predict', trace => {
      const x = trace.input([null, null, 2], 'float32')
      const [total, sums] = ops.scan(
        (outer, rows) => {
          const [inner] = ops.scan((sum, row) => [ops.add(sum, row), null] as const, outer, rows)
          return [inner, inner] as const
        },
        ops.zeros([2]),
        x,
      )
      assert.equal(sums.shape, [null, 2])
      return [total, sums]
    })
    for (const [n, m] of [
      [2, 3],
      [4, 1],
    ] as const) {
      const values = Array.from({ length: n }, (_, i) => matrix(m, 2, i))
      scope(() => {
        const call = program.bind([[n, m, 2]]).call([tensor(values)])
        call.run()
        let sum = [0, 0]
        const expected = values.map(
          rows => (sum = rows.reduce((s, row) => s.map((v, i) => v + row[i]!), sum)),
        )
        near(call.outputs[1]!.array(), expected)
        call.dispose()
      })
    }
    program.dispose()
  }))

test('random numbers differ from step to step', () =>
  balanced(() =>
    scope(() => {
      const [, drawn] = ops.scan(c => [c, ops.random.uniform([2], { seed: 3 })] as const, 0, null, {
        length: 4,
      })
      assert.is(new Set([drawn.array()].flat(2)).size, 8)
    }),
  ))

test('cond: one of two, its gradient too', () =>
  balanced(() =>
    scope(() => {
      const x = tensor([1, -2])
      const choose = (pred: SymbolicTensor | boolean) =>
        ops.cond(
          pred,
          () => ({ a: ops.square(x), b: tensor(1) }),
          () => ({ b: tensor(2), a: ops.negative(x) }),
        )
      assert.equal(choose(true).a.array(), [1, 4])
      assert.equal([choose(false).a.array(), choose(false).b.item()], [[-1, 2], 2])
      const gradient = ops.grad((x: SymbolicTensor) =>
        ops.cond(
          ops.less(ops.sum(x), 0),
          () => ops.sum(ops.square(x)),
          () => ops.sum(x),
        ),
      )
      assert.equal(gradient([1, -2]).array(), [2, -4])
      assert.equal(gradient([1, 2]).array(), [1, 1])
    }),
  ))

test('errors say what f must be', () =>
  balanced(() =>
    scope(() => {
      const xs = [1, 2]
      const twice = (c: Tensor) => [ops.multiply(c, 2), c] as const
      fails(() => ops.scan(3 as never, 0, xs), ArgumentError, /scan: f must be a function, not 3/)
      fails(() => ops.scan(twice, 0), ArgumentError, /length must be given where there are no xs/)
      fails(() => ops.scan(twice, 0, xs, { length: 3 }), ShapeError, /xs 0 must be \[3, …\], not \[2\]/)
      fails(() => ops.scan(twice, 0, 1), ShapeError, /xs 0 must be \[length, …\], not \[\]/)
      fails(() => ops.scan(c => c as never, 0, xs), ArgumentError, /value of f must be \[carry, y\]/)
      fails(() => ops.scan(c => [{ c }, c] as const, 0, xs), ArgumentError, /new carry/)
      fails(
        () => ops.scan(c => [ops.stack([c, c]), c] as const, 0, xs),
        ShapeError,
        /the new carry must be .*float32 \[\]/,
      )
      fails(
        () => ops.scan(c => [ops.cast(c, 'int32'), c] as const, 0, xs),
        ShapeError,
        /the new carry must be/,
      )
      fails(() => ops.scan(c => [c, 1] as const, 0, xs), ArgumentError, /y must be made of tensors/)
      fails(() => ops.scan(c => [c, c.item()] as const, 0, xs), TraceError, /scan: item\(\) needs values/)
      fails(
        () =>
          ops.cond(
            [1, 2],
            () => tensor(1),
            () => tensor(2),
          ),
        ShapeError,
        /pred must be a scalar/,
      )
      fails(
        () =>
          ops.cond(
            true,
            () => tensor(1),
            () => tensor([2]),
          ),
        ShapeError,
        /value of falseFn/,
      )
      fails(
        () =>
          ops.cond(
            true,
            () => ({ a: tensor(1) }),
            () => ({ b: tensor(2) }) as never,
          ),
        ArgumentError,
        /falseFn must be of the form { a }, not { b }/,
      )
      const none = ops.zeros([0])
      fails(
        () => ops.scan((c, x) => [ops.add(c, x), c] as const, 0, none),
        ShapeError,
        /length must be at least 1/,
      )
    }),
  ))

test.run()
