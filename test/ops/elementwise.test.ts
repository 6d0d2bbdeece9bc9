import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scope } from '../../ts/engine/handle.js'
import { ShapeError } from '../../ts/errors.js'
import * as ops from '../../ts/ops/index.js'
import { tensor } from '../../ts/tensor/tensor.js'
import { balanced, fails, near } from '../engine/support.js'

// by name
const table = { ...ops }

const xs = [-2.5, -1, -0.3, 0, 0.5, 0.7, 1, 3]
const ys = [1.5, -2, 0.3, 4, -0.5, 2, 1, -3]

// erf by its series, enough for |x| ≤ 3
const erf = (x: number) => {
  let [sum, term] = [x, x]
  for (let n = 1; n < 60; n++) {
    term *= (-x * x) / n
    sum += term / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}
const even = (x: number) => {
  const whole = Math.round(x)
  return Math.abs(x % 1) === 0.5 && whole % 2 !== 0 ? whole - 1 : whole
}

const unary = {
  negative: (x: number) => -x,
  abs: Math.abs,
  sign: Math.sign,
  square: (x: number) => x * x,
  reciprocal: (x: number) => 1 / x,
  floor: Math.floor,
  ceil: Math.ceil,
  round: even,
  exp: Math.exp,
  expm1: Math.expm1,
  sin: Math.sin,
  cos: Math.cos,
  erf,
}

const positive = { sqrt: Math.sqrt, rsqrt: (x: number) => 1 / Math.sqrt(x), log: Math.log, log1p: Math.log1p }

test('functions of one number', () => {
  balanced(() =>
    scope(() => {
      for (const [name, f] of Object.entries(unary)) {
        const y = table[name as keyof typeof unary](tensor(xs))
        // −0 counts as 0 here
        near(
          ops.add(y, 0).array(),
          xs.map(x => f(Math.fround(x)) + 0),
        )
      }
      for (const [name, f] of Object.entries(positive)) {
        near(table[name as keyof typeof positive]([0.25, 1, 9]).array(), [0.25, 1, 9].map(f))
      }
    }),
  )
})

test('int32 stays int32 where it can, without a detour over floats', () => {
  scope(() => {
    const x = tensor(Int32Array.of(-3, 0, 16_777_217))
    assert.equal(ops.negative(x).array(), [3, 0, -16_777_217])
    assert.equal(ops.abs(x).array(), [3, 0, 16_777_217])
    assert.equal(ops.sign(x).array(), [-1, 0, 1])
    assert.equal(ops.square(tensor(Int32Array.of(-3, 5))).array(), [9, 25])
    assert.equal(ops.floor(x).dtype, 'int32')
    assert.equal(ops.exp(tensor(Int32Array.of(0))).array(), [1])
  })
})

const binary = {
  add: (a: number, b: number) => a + b,
  subtract: (a: number, b: number) => a - b,
  multiply: (a: number, b: number) => a * b,
  divide: (a: number, b: number) => a / b,
  maximum: Math.max,
  minimum: Math.min,
  floorDivide: (a: number, b: number) => Math.floor(a / b),
  mod: (a: number, b: number) => a - b * Math.floor(a / b),
}

test('functions of two numbers', () => {
  scope(() => {
    for (const [name, f] of Object.entries(binary)) {
      const y = table[name as keyof typeof binary](tensor(xs), tensor(ys))
      near(
        y.array(),
        xs.map((x, i) => f(Math.fround(x), Math.fround(ys[i]!))),
      )
    }
    near(ops.power([2, 3, 4], [3, 0, 0.5]).array(), [8, 1, 2])
    assert.equal(ops.floorDivide(Int32Array.of(7, -7, 5), Int32Array.of(2, 2, 0)).array(), [3, -4, 0])
  })
})

const comparisons = {
  equal: (a: number, b: number) => a === b,
  notEqual: (a: number, b: number) => a !== b,
  less: (a: number, b: number) => a < b,
  lessEqual: (a: number, b: number) => a <= b,
  greater: (a: number, b: number) => a > b,
  greaterEqual: (a: number, b: number) => a >= b,
}

test('comparisons, NaN included', () => {
  scope(() => {
    const [a, b] = [
      [1, 2, 3, Number.NaN],
      [3, 2, 1, Number.NaN],
    ] as const
    for (const [name, f] of Object.entries(comparisons)) {
      assert.equal(
        table[name as keyof typeof comparisons](a, b).array(),
        a.map((x, i) => f(x, b[i]!)),
      )
    }
    assert.equal(ops.equal(Int32Array.of(16_777_217), Int32Array.of(16_777_216)).array(), [false])
  })
})

test('logic takes anything but 0 for true', () => {
  scope(() => {
    const [a, b] = [
      [0, 0, 2, -1],
      [0, 3, 0, 1],
    ]
    assert.equal(ops.logicalAnd(a!, b!).array(), [false, false, false, true])
    assert.equal(ops.logicalOr(a!, b!).array(), [false, true, true, true])
    assert.equal(ops.logicalXor(a!, b!).array(), [false, true, true, false])
    assert.equal(ops.logicalNot(a!).array(), [true, true, false, false])
  })
})

test('where: what is not chosen reaches nothing', () => {
  scope(() => {
    const y = ops.where([true, false], [1, Number.NaN], [Number.NaN, 2])
    assert.equal(y.array(), [1, 2])
    assert.equal(ops.where([[true], [false]], [1, 2], 0).array(), [
      [1, 2],
      [0, 0],
    ])
  })
})

test('operands are broadcast, or refused by name', () => {
  balanced(() =>
    scope(() => {
      const a = tensor([[1], [2]])
      assert.equal(ops.add(a, [10, 20, 30]).array(), [
        [11, 21, 31],
        [12, 22, 32],
      ])
      assert.equal(ops.add(a, ops.zeros([0])).shape, [2, 0])
      const error = fails(() => ops.add([1, 2, 3], [1, 2]), ShapeError, /^add: .*\[2\] must be 3, not 2/)
      assert.equal([error.expected, error.actual], [3, 2])
    }),
  )
})

test.run()
