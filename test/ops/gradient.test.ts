import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { currentEngine } from '../../ts/engine/engine.js'
import { scope } from '../../ts/engine/handle.js'
import { ArgumentError, ShapeError, TraceError, UnsupportedError } from '../../ts/errors.js'
import * as ops from '../../ts/ops/index.js'
import { qr } from '../../ts/ops/qr.js'
import { Trace } from '../../ts/ops/trace.js'
import { type SymbolicTensor, Tensor, tensor, Variable } from '../../ts/tensor/tensor.js'
import { balanced, fails, near } from '../engine/support.js'

const { grad, valueAndGrad, stopGradient } = ops

/** Central differences of a function of numbers. */
function slopes(fn: (x: number[]) => number, x: readonly number[]): number[] {
  const h = 1 / 64
  return x.map((_, i) => {
    const at = (by: number) => fn(x.map((value, j) => (i === j ? value + by : value)))
    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
  })
}

test('numbers worked out by hand', () => {
  balanced(() =>
    scope(() => {
      assert.equal(grad(x => ops.sum(ops.square(x)))([1, 2, 3]).array(), [2, 4, 6])
      assert.is(grad(x => ops.multiply(x, x))(3).item(), 6)
      const [a, b] = grad((a: SymbolicTensor, b: SymbolicTensor) => ops.sum(ops.matmul(a, b)))(
        [[1, 2]],
        [
          [3, 4],
          [5, 6],
        ],
      )
      assert.equal(a.array(), [[7, 11]])
      assert.equal(b.array(), [
        [1, 1],
        [2, 2],
      ])
      const [value, gradient] = valueAndGrad(x => ops.mean(ops.relu(x)))([-1, 0, 2, 4])
      assert.is(value.item(), 1.5)
      assert.equal(gradient.array(), [0, 0, 0.25, 0.25])
    }),
  )
})

test('central differences of a network', () => {
  const x = [0.3, -0.7, 0.2, 0.9, -0.4, 0.5]
  const w = [0.8, -0.3, 0.5, -0.6, 0.2, 0.7, 0.1, -0.9, 0.4, 0.3, -0.2, 0.6]
  const loss = (x: SymbolicTensor, w: SymbolicTensor) => {
    const h = ops.tanh(ops.matmul(ops.reshape(x, [2, 3]), ops.reshape(w, [3, 4])))
    const p = ops.logSoftmax(ops.concatenate([h, ops.slice(h, [0, 1], [2, 2])], 1))
    return ops.negative(ops.mean(ops.multiply(p, ops.max(ops.transpose(h)))))
  }
  balanced(() =>
    scope(() => {
      const [dx, dw] = grad(loss)(x, w)
      const at = (x: number[], w: number[]) => scope(() => loss(tensor(x), tensor(w))) as Tensor
      near(
        dx.array(),
        slopes(x => at(x, w).item() as number, x),
        3e-4,
      )
      near(
        dw.array(),
        slopes(w => at(x, w).item() as number, w),
        3e-4,
      )
    }),
  )
})

test('arguments have structure, and so have gradients', () => {
  balanced(() =>
    scope(() => {
      const fn = (p: { w: SymbolicTensor; b: SymbolicTensor[] }) =>
        ops.sum(ops.add(ops.multiply(p.w, p.b[0]!), p.b[1]!))
      const gradient = grad(fn)({ w: [2, 3], b: [tensor([5, 7]), tensor(1)] })
      assert.equal(gradient.w.array(), [5, 7])
      assert.equal(gradient.b[0]!.array(), [2, 3])
      assert.is(gradient.b[1]!.item(), 2)
    }),
  )
})

test('variables', () => {
  const w = new Variable({ name: 'w', shape: [2] }).assign([3, 4])
  const unused = new Variable({ name: 'unused', shape: [2, 1] })
  balanced(() =>
    scope(() => {
      const loss = (x: SymbolicTensor, ids: SymbolicTensor) =>
        ops.sum(ops.multiply(ops.take(w, ids), ops.multiply(x, w)))
      const step = valueAndGrad(loss, { variables: [w, unused] })
      const [value, gradients] = step([1, 2], new Int32Array([1, 1]))
      assert.is(value.item(), 4 * 3 + 4 * 8)
      assert.equal(
        gradients.map(gradient => gradient.array()),
        [
          [4, 3 + 2 * 8],
          [[0], [0]],
        ],
      )
      // a variable as an argument, and as something else
      assert.equal(grad(x => ops.sum(ops.multiply(x, w)))(w).array(), [3, 4])
    }),
  )
  w.dispose()
  unused.dispose()
})

test('what a function does not depend on has a gradient of zeros', () => {
  balanced(() =>
    scope(() => {
      const [a, b, c] = grad((a: SymbolicTensor, b: SymbolicTensor, _: SymbolicTensor) =>
        ops.sum(ops.add(stopGradient(ops.square(a)), ops.floor(b))),
      )([1, 2], [0.5], [[1, 2]])
      assert.equal([a.array(), b.array(), c.array()], [[0, 0], [0], [[0, 0]]])
      assert.equal(stopGradient([1, 2]).array(), [1, 2])
      assert.equal(stopGradient(tensor([true])).array(), [true])
    }),
  )
})

test('gradients of gradients', () => {
  balanced(() =>
    scope(() => {
      const cube = (x: SymbolicTensor) => ops.multiply(x, ops.square(x))
      assert.is(grad(cube)(2).item(), 12)
      assert.is(grad(grad(cube))(2).item(), 12)
      assert.is(grad(grad(grad(cube)))(2).item(), 6)
      // what is found outside is another variable
      assert.is(grad(x => grad(y => ops.multiply(x, y))(x))(5).item(), 1)
      const second = grad(x => ops.sum(grad(x => ops.sum(ops.tanh(x)))(x)))([0.5])
      const t = Math.tanh(0.5)
      near(second.array(), [-2 * t * (1 - t * t)])
    }),
  )
})

test('in a trace it is part of the program', () => {
  balanced(() => {
    const program = Trace.program(currentEngine(), 'predict', trace => {
      const x = trace.input([null, 2], 'float32')
      const [value, gradient] = valueAndGrad(x => ops.mean(ops.square(x)))(x)
      assert.equal(gradient.shape, [null, 2])
      return [value, ops.multiply(gradient, 10)]
    })
    scope(() => {
      const x = tensor([
        [1, 2],
        [3, 4],
        [5, 6],
      ])
      const call = program.bind([[3, 2]]).call([x])
      call.run()
      near(call.outputs[0]!.array(), 91 / 6)
      near(call.outputs[1]!.array(), [
        [10 / 3, 20 / 3],
        [10, 40 / 3],
        [50 / 3, 20],
      ])
      call.dispose()
    })
    program.dispose()
  })
})

test('errors name what is wrong', () => {
  balanced(() =>
    scope(() => {
      fails(
        () => grad(x => ops.square(x))([1, 2]),
        ShapeError,
        /grad: the value of fn must be a scalar, not .*\[2\]/,
      )
      fails(() => valueAndGrad(() => 3 as never)(1), ShapeError, /must be a scalar, not 3/)
      fails(
        () => grad(x => ops.cast(ops.sum(x), 'int32'))([1]),
        ArgumentError,
        /value of fn must be float32, not "int32"/,
      )
      fails(
        () => grad((_: SymbolicTensor, b: SymbolicTensor) => ops.sum(b))(1, true),
        ArgumentError,
        /argument 2 must be float32, not "bool"/,
      )
      fails(() => grad(x => ops.sum(ops.matmul(x, [[1]])))([1, 2]), ShapeError, /^matmul: /)
      fails(() => grad(x => ops.sum(qr(x)[0]))([[1]]), UnsupportedError, /the op Qr has no gradient/)
      fails(() => grad(x => tensor((x.item() as number) + 1))(1), TraceError, /item\(\) needs values/)
      fails(() => grad(3 as never), ArgumentError, /grad: fn must be a function, not 3/)
      fails(() => grad(x => x, { by: 1 } as never), ArgumentError, /options must be \{ variables, segment \}/)
      fails(
        () => grad(x => x, { variables: [tensor(1)] as never }),
        ArgumentError,
        /variables must be an array of variables/,
      )
      assert.instance(grad(x => ops.sum(x))([1]), Tensor)
    }),
  )
})

test.run()
