/** What holds for every cell, shown for cells whose steps are small graphs of ops made by chance. */
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  Input,
  Model,
  ops,
  RNN,
  RNNCell,
  type Shape,
  type SymbolicTensor,
  scope,
  type Tensor,
  tensor,
  type Variable,
} from '../../ts/entry/api.js'
import { balanced, near } from '../engine/support.js'
import { sequences } from '../support/random.js'

const units = 3
const [batch, time, features] = [3, 4, 2]

/** An op of a graph: takes values made before, by their numbers. */
interface Node {
  op: number
  a: number
  b: number
}

/** Smooth, so that differences tell slopes. */
const kinds: readonly ((a: SymbolicTensor, b: SymbolicTensor, w: Variable) => SymbolicTensor)[] = [
  (a, b) => ops.add(a, b),
  (a, b) => ops.multiply(a, b),
  (a, b) => ops.subtract(a, ops.tanh(b)),
  a => ops.tanh(a),
  a => ops.sigmoid(a),
  (a, _, w) => ops.dot(a, w),
  (a, b) => ops.multiply(a, ops.softmax(b)),
  a => ops.layerNormalization(a, null, null, -1, 0.5),
  (a, b) => ops.slice(ops.concatenate([a, b]), [0, 2], [null, units]),
  (a, b) => ops.subtract(a, ops.mean(b, -1, true)),
  (a, b) =>
    ops.squeeze(
      ops.matmul(ops.expandDims(a, 1), ops.multiply(ops.expandDims(b, 1), ops.expandDims(a, 2))),
      1,
    ),
  (a, b) => ops.sum(ops.stack([a, ops.tile(ops.slice(b, [0, 1], [null, 1]), [1, units])], 1), 1),
]

/** The same, and what draws anew at every step. */
const drawing: typeof kinds = [
  a => ops.multiply(a, ops.random.uniform(ops.shape(a), { seed: 3 })),
  (a, b) => ops.add(a, ops.multiply(b, ops.random.normal(ops.shape(b), { seed: 5 }))),
  a => ops.random.dropout(a, 0.3, { seed: 7 }),
  (a, b) => ops.where(ops.random.bernoulli(ops.shape(a), { seed: 9 }), a, b),
  ...kinds,
]

class Graph extends RNNCell<[Tensor, Tensor]> {
  kernel!: Variable
  recurrent!: Variable
  bias!: Variable

  constructor(
    readonly nodes: readonly Node[],
    readonly from = kinds,
  ) {
    super({ name: 'graph' })
    this.stateSize = [units, units]
  }

  override build(inputShape: Shape) {
    const weight = (name: string, ...shape: (number | null | undefined)[]) =>
      this.addWeight({ name, shape, initializer: 'randomUniform' })
    this.kernel = weight('kernel', inputShape.at(-1), units)
    this.recurrent = weight('recurrent', units, units)
    this.bias = weight('bias', units)
  }

  override call(x: Tensor, [h, c]: [Tensor, Tensor], { constants: [i, m, k] }: { constants: Tensor[] }) {
    const values: SymbolicTensor[] = [ops.dot(x, this.kernel), h, c, ops.add(c, this.bias)]
    values.push(ops.multiply(ops.cast(i!, 'float32'), [0.2, -0.3, 0.1]), ops.where(m!, k!, 0.1))
    for (const { op, a, b } of this.nodes) {
      const [left, right] = [a, b].map(at => values[at % values.length]!) as [SymbolicTensor, SymbolicTensor]
      values.push(this.from[op]!(left, right, this.recurrent))
    }
    // bounded, so that it stays finite however long it runs
    const [last, before] = [values.at(-1)!, values.at(-2)!].map(value => ops.tanh(value)) as [Tensor, Tensor]
    return [ops.add(last, before), [last, before]]
  }
}

const node = fc.record({ op: fc.nat(kinds.length - 1), a: fc.nat(11), b: fc.nat(11) })
const graphs = fc.array(node, { minLength: 1, maxLength: 6 })
const masks = fc.array(fc.array(fc.boolean(), { minLength: time, maxLength: time }), {
  minLength: batch,
  maxLength: batch,
})
const options = { seed: 7, numRuns: 25 }

const x = sequences(batch, time, features)
const weights = sequences(1, 3, units, 5)[0]!.flat()

type Layer = RNN & { cell: Graph }

/** A layer of the graph; the weights are always the same. */
function make(
  nodes: readonly Node[],
  { from, ...more }: { from?: typeof kinds } & Record<string, unknown> = {},
  steps: number | null = null,
): Layer {
  const layer = new RNN({
    cell: new Graph(nodes, from),
    returnSequences: true,
    returnState: true,
    ...more,
  } as never)
  layer.build([null, steps, features])
  layer.setWeights([
    Float32Array.from({ length: features * units }, (_, i) => weights[i]!),
    Float32Array.from({ length: units * units }, (_, i) => weights[i]! - 0.2),
    Float32Array.from({ length: units }, (_, i) => weights[8 - i]!),
  ])
  return layer as unknown as Layer
}

/** What every step is given: of each row an id, what it chooses, and numbers. */
const around: [number[][], boolean[][], number[][]] = [
  [[1], [-2], [3]],
  [
    [true, false, true],
    [false, false, true],
    [true, true, false],
  ],
  sequences(1, batch, units, 9)[0]!,
]

/** Of all rows, or of one. */
const constantsOf = (b?: number) =>
  around.map((values, i) =>
    tensor(
      (values as number[][]).slice(b ?? 0, b === undefined ? batch : b + 1),
      undefined,
      (['int32', 'bool', 'float32'] as const)[i]!,
    ),
  )

const constantInputs = () => ({
  i: Input({ shape: [1], dtype: 'int32' }),
  m: Input({ shape: [units], dtype: 'bool' }),
  k: Input({ shape: [units] }),
})

const fed = { i: around[0], m: around[1], k: around[2] }

const run = (layer: Layer, data: unknown, mask?: boolean[][], b?: number): Float32Array[] =>
  scope(() => {
    const constants = constantsOf(b)
    const made = layer.apply(
      data as number[][][],
      { ...(mask && { mask }), constants } as never,
    ) as unknown as Tensor[]
    return made.map(value => value.data() as Float32Array)
  })

/** Gradients of the states at the end, times numbers, by x and by the weights. */
const slopes = (layer: Layer, data: unknown, mask?: boolean[][]): Float32Array[] =>
  scope(() => {
    const constants = constantsOf()
    const loss = (x: SymbolicTensor) => {
      const [, h, c] = layer.apply(
        x as Tensor,
        { ...(mask && { mask }), constants } as never,
      ) as unknown as Tensor[]
      return ops.sum(ops.add(ops.multiply(h!, [1, -2, 3]), ops.multiply(c!, [0.5, 1, -1])))
    }
    const input = tensor(data as number[][][])
    const byWeights = ops.grad(loss, { variables: layer.trainableWeights })(input)
    return [ops.grad(loss)(input) as Tensor, ...byWeights].map(value => value.data() as Float32Array)
  })

const law = (name: string, check: (nodes: Node[], mask: boolean[][]) => void) =>
  test(name, () => {
    const property = fc.property(graphs, masks, (nodes, mask) => balanced(() => check(nodes, mask)))
    fc.assert(property, options)
  })

law('unrolled and looped, backwards and over the reversed: the same bits', (nodes, mask) => {
  using looped = make(nodes)
  using unrolled = make(nodes, { unroll: true }, time)
  using backwards = make(nodes, { goBackwards: true })
  assert.equal(run(unrolled, x), run(looped, x))
  assert.equal(run(unrolled, x, mask), run(looped, x, mask))
  const turn = <T>(rows: T[][]) => rows.map(row => [...row].reverse())
  assert.equal(run(backwards, x, mask), run(looped, turn(x), turn(mask)))
})

law('step by step, and row by row: the bits of the sequence', nodes => {
  using layer = make(nodes)
  const [all] = run(layer, x) as [Float32Array]
  const [input, around] = [Input({ shape: [null, features] }), constantInputs()]
  const constants = Object.values(around)
  const [outputs] = layer.apply(input, { constants } as never) as unknown as SymbolicTensor[]
  using model = new Model({ inputs: { x: input, ...around }, outputs: outputs! })
  using stream = model.stream({ batch, inputs: fed } as never)
  const at = (b: number, t: number) => [...all.subarray((b * time + t) * units, (b * time + t + 1) * units)]
  for (let t = 0; t < time; t++) {
    const y = stream.step(Float32Array.from(x.flatMap(row => row[t]!)))
    assert.equal(
      [...y],
      x.flatMap((_, b) => at(b, t)),
    )
  }
  for (const [b, row] of x.entries())
    assert.equal(run(layer, [row], undefined, b)[0], all.slice(b * time * units, (b + 1) * time * units))
})

law('what is padded and masked has the bits of what is trimmed, gradients too', nodes => {
  using layer = make(nodes)
  const padded = x.map(row => [...row, [Number.NaN, 1], [Number.POSITIVE_INFINITY, 0]])
  const mask = x.map(() => [true, true, true, true, false, false])
  const [, ...states] = run(layer, x)
  const [, ...masked] = run(layer, padded, mask)
  assert.equal(masked, states)
  const [byX, ...byWeights] = slopes(layer, x)
  const [byPadded, ...maskedWeights] = slopes(layer, padded, mask)
  assert.equal(maskedWeights, byWeights)
  const width = time * features
  const expected = x.flatMap((_, b) => [...byX!.subarray(b * width, (b + 1) * width), 0, 0, 0, 0])
  assert.equal([...byPadded!], expected)
})

law('a NaN in masked steps reaches nothing', (nodes, mask) => {
  using layer = make(nodes)
  const poisoned = x.map((row, b) => row.map((step, t) => (mask[b]![t] ? step : step.map(() => Number.NaN))))
  assert.equal(run(layer, poisoned, mask), run(layer, x, mask))
  assert.equal(slopes(layer, poisoned, mask), slopes(layer, x, mask))
})

law('gradients are the slopes of differences', (nodes, mask) => {
  using layer = make(nodes)
  const loss = (data: number[][][]) => {
    const [, h, c] = run(layer, data, mask) as [Float32Array, Float32Array, Float32Array]
    return h.reduce((sum, v, i) => sum + v * [1, -2, 3][i % 3]! + c[i]! * [0.5, 1, -1][i % 3]!, 0)
  }
  const [byX, ...byWeights] = slopes(layer, x, mask)
  // one direction through all of x, and one through all weights
  const direction = sequences(batch, time, features, 77)
  const moved = (by: number) =>
    loss(x.map((row, b) => row.map((step, t) => step.map((v, i) => v + by * direction[b]![t]![i]!))))
  const h = 1 / 64
  const slope = (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h)
  near(
    direction.flat(2).reduce((sum, v, i) => sum + v * byX![i]!, 0),
    slope,
    3e-3,
  )
  const first = layer.getWeights().map(({ data }) => Float32Array.from(data))
  const ways = first.map((values, i) => sequences(1, 1, values.length, 80 + i)[0]![0]!)
  const turned = (by: number) => {
    layer.setWeights(first.map((values, i) => values.map((v, k) => v + by * ways[i]![k]!)))
    return loss(x)
  }
  near(
    byWeights.reduce((sum, each, i) => sum + each.reduce((part, v, k) => part + v * ways[i]![k]!, 0), 0),
    (8 * (turned(h) - turned(-h)) - (turned(2 * h) - turned(-2 * h))) / (12 * h),
    3e-3,
  )
  layer.setWeights(first)
  assert.equal(slopes(layer, x, mask), slopes(layer, x, mask))
})

law('gradients of gradients are the slopes of differences', (nodes, mask) => {
  using layer = make(nodes)
  const direction = sequences(batch, time, features, 78)
  const fixed = constantsOf()
  const loss = (q: SymbolicTensor) => {
    const [, h, c] = layer.apply(q as Tensor, { mask, constants: fixed } as never) as unknown as Tensor[]
    return ops.sum(ops.add(ops.multiply(h!, [1, -2, 3]), ops.multiply(c!, [0.5, 1, -1])))
  }
  const along = (q: SymbolicTensor) => ops.sum(ops.multiply(ops.grad(loss)(q as Tensor) as Tensor, direction))
  const moved = (by: number) =>
    scope(() => {
      const data = x.map((row, b) => row.map((step, t) => step.map((v, i) => v + by * direction[b]![t]![i]!)))
      return (along(tensor(data)) as Tensor).item() as number
    })
  const h = 1 / 64
  const slope = (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h)
  scope(() => {
    const gradient = (ops.grad(along)(tensor(x)) as Tensor).data()
    near(
      direction.flat(2).reduce((sum, v, i) => sum + v * (gradient[i] as number), 0),
      slope,
      3e-3,
    )
  })
  for (const each of fixed) each.dispose()
})

const chance = fc.array(fc.record({ op: fc.nat(drawing.length - 1), a: fc.nat(11), b: fc.nat(11) }), {
  minLength: 1,
  maxLength: 6,
})

test('cells that draw: the same numbers in every run with a seed, traced anew, unrolled, and step by step', () => {
  const property = fc.property(chance, masks, (nodes, mask) =>
    balanced(() => {
      // what is drawn goes by the names of layers
      const named = (more: object = {}, steps: number | null = null) =>
        make([{ op: 0, a: 0, b: 0 }, ...nodes], { from: drawing, name: 'chance', ...more }, steps)
      using layer = named()
      using again = named()
      using unrolled = named({ unroll: true }, time)
      const first = run(layer, x, mask)
      assert.equal(run(layer, x, mask), first)
      assert.equal(run(again, x, mask), first)
      assert.equal(run(unrolled, x, mask), first)
      assert.equal(slopes(layer, x, mask), slopes(again, x, mask))
      const [input, around] = [Input({ shape: [null, features] }), constantInputs()]
      const constants = Object.values(around)
      const [outputs] = layer.apply(input, { constants } as never) as unknown as SymbolicTensor[]
      using model = new Model({ inputs: { x: input, ...around }, outputs: outputs! })
      using stream = model.stream({ batch, inputs: fed } as never)
      const whole = model
        .predict({ x, ...fed } as never, { mask: { x: mask } } as never)
        .array() as number[][][]
      for (let t = 0; t < time; t++) {
        const step = Float32Array.from(x.flatMap(row => row[t]!))
        const y = stream.step(step, null, { mask: mask.map(row => row[t]!) })
        assert.equal(
          [...y],
          whole.flatMap(row => row[t]!),
        )
      }
    }),
  )
  fc.assert(property, options)
})

test.run()
