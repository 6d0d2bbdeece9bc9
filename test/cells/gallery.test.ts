/** The cells of examples/cells: the numbers and gradients of the same cells in tf_keras (scripts/fixtures/gallery.py), and their laws. */
import { readFileSync } from 'node:fs'
import {
  currentEngine,
  Input,
  Model,
  type NdArray,
  ops,
  RNN,
  type RNNCell,
  type SymbolicTensor,
  scope,
  type Tensor,
  tensor,
} from 'layer-rnn'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as cells from '../../examples/cells/index.js'
import { assertClose, numbersOf, type Stored } from '../fixtures/replay.js'

interface Case {
  name: string
  cell: keyof typeof cells
  args: number[]
  config: { go_backwards: boolean }
  x: Stored
  constants: Stored[]
  mask?: number[][]
  weights: Stored[]
  outputs: Stored[]
  dys: Stored[]
  /** Of x, the constants, the weights. */
  gradients: Stored[]
}

/** The classes by name. */
const classes: Readonly<Record<string, unknown>> = { ...cells }

const { cases }: { cases: Case[] } = JSON.parse(readFileSync('test/fixtures/gallery.json', 'utf8'))

type Options = { goBackwards?: boolean; unroll?: boolean }

/** A layer of the cell with the weights of the case. */
function make({ cell, args, x, weights, config }: Case, options: Options = {}): RNN {
  const Cell = classes[cell] as new (...args: number[]) => RNNCell
  const goBackwards = config.go_backwards
  const layer = new RNN({
    cell: new Cell(...args),
    returnSequences: true,
    returnState: true,
    goBackwards,
    ...options,
  } as {
    cell: RNNCell
  })
  layer.build([null, options.unroll ? x.shape[1]! : null, ...x.shape.slice(2)])
  layer.setWeights(weights.map(numbersOf))
  return layer
}

const given = (stored: Stored) => tensor(numbersOf(stored), stored.shape)

const flat = (value: unknown): Tensor[] =>
  Symbol.iterator in Object(value)
    ? [...(value as unknown[])].flatMap(flat)
    : (value as Tensor).shape
      ? [value as Tensor]
      : Object.values(value as object).flatMap(flat)

const balanced = (fn: () => void) => {
  const before = currentEngine().stats().tensors
  scope(fn as () => undefined)
  assert.is(currentEngine().stats().tensors, before, 'live tensors')
}

for (const each of cases) {
  const { mask, dys, gradients, outputs } = each

  test(`${each.name}: numbers and gradients as in Keras`, () =>
    balanced(() => {
      const layer = make(each)
      const [x, ...constants] = [each.x, ...each.constants].map(given) as [Tensor, ...Tensor[]]
      const run = (x: SymbolicTensor, constants: SymbolicTensor[]) =>
        flat(layer.apply(x, { ...(mask && { mask }), ...(constants.length > 0 && { constants }) } as never))
      for (const [i, y] of run(x, constants).entries())
        assertClose(`output ${i}`, y.data() as Float32Array, outputs[i]!)
      const loss = ([x, ...constants]: SymbolicTensor[]) =>
        run(x!, constants)
          .map((y, i) => ops.sum(ops.multiply(y, given(dys[i]!))))
          .reduce((total, part) => ops.add(total, part))
      const byInputs = ops.grad(loss)([x, ...constants])
      const byWeights = ops.grad(loss, { variables: layer.trainableWeights })([x, ...constants])
      for (const [i, gradient] of [...byInputs, ...byWeights].entries())
        assertClose(`gradient ${i}`, gradient.data() as Float32Array, gradients[i]!)
      layer.dispose()
    }))

  if (mask || each.config.go_backwards) continue
  const [batch, time, ...features] = each.x.shape as [number, number, ...number[]]
  const width = features.reduce((size, n) => size * n)

  test(`${each.cell}: unrolled, in a stream and for one row the same bits`, () =>
    balanced(() => {
      const layer = make(each)
      const unrolled = make(each, { unroll: true })
      const constants = each.constants.map(given)
      const call = { ...(constants.length > 0 && { constants }) } as never
      const x = given(each.x)
      const all = flat(layer.apply(x, call))
      assert.equal(
        flat(unrolled.apply(x, call)).map(y => y.data()),
        all.map(y => y.data()),
      )

      const input = Input({ shape: [null, ...features] })
      const texts = each.constants.map(({ shape }) => Input({ shape: shape.slice(1), name: 'text' }))
      const options = { ...(texts.length > 0 && { constants: texts }) } as never
      const [sequence] = layer.apply(input, options) as unknown as SymbolicTensor[]
      const inputs = texts[0] ? { x: input, text: texts[0] } : input
      const model = new Model({ inputs, outputs: sequence! })
      const rows = numbersOf(each.x) as Float32Array
      const text = constants[0]?.array() as number[][][] | undefined
      const whole = model.predict((text ? { x, text } : x) as never) as NdArray
      const size = whole.data.length / batch / time
      const row = (b: number, t: number) =>
        whole.data.subarray((b * time + t) * size, (b * time + t + 1) * size)
      const stream = model.stream({ batch, ...(text && { inputs: { text } }) } as never)
      for (let t = 0; t < time; t++) {
        const at = (b: number) => rows.subarray((b * time + t) * width, (b * time + t + 1) * width)
        const step = Float32Array.from([...Array(batch).keys()].flatMap(b => [...at(b)]))
        const expected = [...Array(batch).keys()].flatMap(b => [...row(b, t)])
        assert.equal([...stream.step(step)], expected, `step ${t}`)
      }
      for (let b = 0; b < batch; b++) {
        const alone = tensor(rows.slice(b * time * width, (b + 1) * time * width), [1, time, ...features])
        const own = each.constants.map((_, i) => ops.slice(constants[i]!, [b], [1]))
        const [y] = flat(layer.apply(alone, { ...(own.length > 0 && { constants: own }) } as never))
        assert.equal(y!.data(), whole.data.slice(b * time * size, (b + 1) * time * size), `row ${b}`)
      }
      for (const owner of [stream, model, unrolled, layer]) owner.dispose()
    }))
}

test.run()
