import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { currentEngine } from '../../ts/engine/engine.js'
import { scope } from '../../ts/engine/handle.js'
import { ArgumentError, ShapeError } from '../../ts/errors.js'
import * as ops from '../../ts/ops/index.js'
import { Trace } from '../../ts/ops/trace.js'
import { type SymbolicTensor, tensor } from '../../ts/tensor/tensor.js'
import { balanced, fails, near } from '../engine/support.js'

const x = [
  [1, 2, 3],
  [4, 5, 6],
]

test('tile, repeat, pad, unstack, cumsum: numbers', () =>
  balanced(() =>
    scope(() => {
      assert.equal(ops.tile(x, [2, 1]).array(), [...x, ...x])
      assert.equal(
        ops.tile(x, [2]).array(),
        x.map(row => [...row, ...row]),
      )
      assert.equal(ops.tile([1, 2], [2, 1, 2]).array(), [[[1, 2, 1, 2]], [[1, 2, 1, 2]]])
      assert.equal(ops.repeat(x, 2, 1).array(), [
        [1, 1, 2, 2, 3, 3],
        [4, 4, 5, 5, 6, 6],
      ])
      assert.equal(ops.repeat(x, 2, 0).array(), [x[0], x[0], x[1], x[1]])
      assert.equal(ops.repeat(x, 2).shape, [12])
      assert.equal(
        ops
          .pad(x, [
            [1, 0],
            [0, 2],
          ])
          .array(),
        [
          [0, 0, 0, 0, 0],
          [1, 2, 3, 0, 0],
          [4, 5, 6, 0, 0],
        ],
      )
      assert.equal(ops.pad(tensor([1], [1], 'int32'), [[0, 1]], 'constant', 7).array(), [1, 7])
      assert.equal(
        ops.unstack(x, null, 1).map(part => part.array()),
        [
          [1, 4],
          [2, 5],
          [3, 6],
        ],
      )
      assert.equal(ops.cumsum(x, 1).array(), [
        [1, 3, 6],
        [4, 9, 15],
      ])
      assert.equal(ops.cumsum(x, 0).array(), [
        [1, 2, 3],
        [5, 7, 9],
      ])
      assert.equal(ops.cumsum(x).array(), [1, 3, 6, 10, 15, 21])
    }),
  ))

test('clip, var, std, norm, oneHot: numbers', () =>
  balanced(() =>
    scope(() => {
      assert.equal(ops.clip([-3, 0.5, 4], -1, 2).array(), [-1, 0.5, 2])
      assert.equal(ops.clip(tensor([5, 6], [2], 'int32'), 0, 5).dtype, 'int32')
      near(ops.var(x, 1).array(), [2 / 3, 2 / 3])
      near(ops.std(x).array(), Math.sqrt(35 / 12))
      near(ops.norm(x).array(), Math.sqrt(91))
      near(ops.norm(x, 3, 1).array(), [Math.cbrt(36), Math.cbrt(405)])
      assert.equal(ops.norm([3, -4], 1).item(), 7)
      assert.equal(ops.norm([3, -4], Infinity).item(), 4)
      assert.equal(ops.norm([3, -4], -Infinity, 0, true).array(), [3])
      assert.equal(ops.norm([3, 0], 0).item(), 1)
      assert.equal(ops.oneHot([2, 0, 5], 3).array(), [
        [0, 0, 1],
        [1, 0, 0],
        [0, 0, 0],
      ])
      assert.equal(ops.oneHot([1, 0], 2, 0, 'bool').array(), [
        [false, true],
        [true, false],
      ])
      const y = ops.layerNormalization(x, [1, 2, 3], [0, 0, 1], -1, 0)
      const r = Math.sqrt(1.5)
      near(y.array(), [
        [-r, 0, 3 * r + 1],
        [-r, 0, 3 * r + 1],
      ])
      near(ops.layerNormalization(x, [2, 1], null, 0, 0).array(), [
        [-2, -2, -2],
        [1, 1, 1],
      ])
      assert.equal(ops.layerNormalization(x, null, x, [0, 1], 1).shape, [2, 3])
    }),
  ))

test('sizes that are not known', () =>
  balanced(() => {
    const program = Trace.program(currentEngine(), 'predict', trace => {
      const x = trace.input([null, null], 'float32')
      const y = ops.tile(x, [2, 3])
      assert.equal(y.shape, [null, null])
      return [
        y,
        ops.repeat(x, 2, 1),
        ops.pad(x, [
          [1, 1],
          [0, 1],
        ]),
        ops.cumsum(x, 1),
        ops.layerNormalization(x),
      ]
    })
    scope(() => {
      const call = program.bind([[2, 3]]).call([tensor(x)])
      call.run()
      const [tiled, repeated, padded, sums] = call.outputs.map(output => output.array()) as number[][][]
      assert.equal(
        tiled,
        [...x, ...x].map(row => [...row, ...row, ...row]),
      )
      assert.equal(repeated![1], [4, 4, 5, 5, 6, 6])
      assert.equal(
        padded!.map(row => row.length),
        [4, 4, 4, 4],
      )
      assert.equal(sums![1], [4, 9, 15])
      call.dispose()
    })
    program.dispose()
  }))

const compositions: Record<string, (x: SymbolicTensor) => SymbolicTensor> = {
  tile: x => ops.tile(x, [2, 3]),
  repeat: x => ops.repeat(x, 3, 0),
  pad: x =>
    ops.pad(x, [
      [1, 0],
      [0, 2],
    ]),
  unstack: x => ops.multiply(ops.unstack(x, null, 1)[1]!, 3),
  cumsum: x => ops.cumsum(x, 1),
  'cumsum of all': x => ops.cumsum(x),
  clip: x => ops.clip(x, -0.5, 0.6),
  var: x => ops.var(x, 1),
  std: x => ops.std(x, 0),
  norm: x => ops.norm(x, 2, 1),
  'norm 1': x => ops.norm(x, 1, 0),
  'norm 3': x => ops.norm(x, 3, 0),
  'norm ∞': x => ops.norm(x, Infinity, 1),
  layerNormalization: x => ops.layerNormalization(x, [1, 2, 3], [0, 1, 0]),
  attention: x => {
    const q = ops.expandDims(x, 0)
    const weights = ops.softmax(ops.matmul(q, ops.transpose(q, [0, 2, 1])))
    return ops.matmul(weights, ops.tanh(q))
  },
}

for (const [name, fn] of Object.entries(compositions)) {
  test(`the gradient of ${name} by central differences`, () =>
    balanced(() =>
      scope(() => {
        const at = [0.3, -0.7, 0.2, 0.9, -0.4, 0.55]
        // weights that tell elements apart
        const loss = (x: SymbolicTensor): SymbolicTensor => {
          const y = ops.reshape(fn(ops.reshape(x, [2, 3])), [-1])
          const size = y.shape[0]!
          return ops.sum(
            ops.multiply(
              y,
              Float32Array.from({ length: size }, (_, i) => 1 + ((i * 7) % 5) / 4),
            ),
          )
        }
        const h = 1 / 128
        const value = (x: number[]) => scope(() => (loss(tensor(x)) as never as { item(): number }).item())
        const expected = at.map((_, i) => {
          const moved = (by: number) => value(at.map((v, j) => (i === j ? v + by : v)))
          return (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h)
        })
        near(ops.grad(loss)(at).array(), expected, 1e-3)
      }),
    ))
}

test('errors', () =>
  balanced(() =>
    scope(() => {
      fails(() => ops.tile(x, [0]), ArgumentError, /tile: repeats must be positive integers/)
      fails(() => ops.repeat(x, 1.5), ArgumentError, /repeat: repeats/)
      fails(() => ops.pad(x, [[1, 1]]), ArgumentError, /\[before, after\] for each of 2 axes/)
      fails(
        () =>
          ops.pad(
            x,
            [
              [1, 1],
              [1, 1],
            ],
            'edge',
          ),
        ArgumentError,
        /mode must be constant or reflect or symmetric/,
      )
      fails(() => ops.unstack(x, 3), ArgumentError, /unstack: num must be the size of axis 0, not 3/)
      fails(() => ops.norm(x, 3), ArgumentError, /axis must be one for this ord/)
      fails(() => ops.norm([1], 'fro' as never), ArgumentError, /ord must be a number/)
      fails(() => ops.oneHot([1], 0), ArgumentError, /numClasses must be a positive integer/)
      fails(() => ops.layerNormalization(x, [[1]]), ShapeError, /gamma must be of the sizes of axis 1/)
    }),
  ))

test.run()
