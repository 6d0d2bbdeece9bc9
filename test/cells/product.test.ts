/** Every cell of examples/cells with everything that a recurrent layer can do, and all of that together. */
import { readFileSync } from 'node:fs'
import {
  Bidirectional,
  currentEngine,
  deserialize,
  Input,
  Model,
  type NdArray,
  ops,
  RNN,
  type RNNCell,
  registerSerializable,
  type SymbolicTensor,
  scope,
  serialize,
  type Tensor,
  TimeDistributed,
  tensor,
} from 'layer-rnn'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as cells from '../../examples/cells/index.js'
import { numbersOf, type Stored } from '../fixtures/replay.js'
import { numbers } from '../support/random.js'

interface Case {
  cell: keyof typeof cells
  args: number[]
  x: Stored
  constants: Stored[]
  mask?: number[][]
  weights: Stored[]
}

const { cases }: { cases: Case[] } = JSON.parse(readFileSync('test/fixtures/gallery.json', 'utf8'))
const classes: Readonly<Record<string, unknown>> = { ...cells }
const mask = cases.find(({ mask }) => mask)!.mask!
for (const [name, Class] of Object.entries(classes))
  registerSerializable(Class as Parameters<typeof registerSerializable>[0], { package: 'Gallery', name })

interface Options {
  goBackwards?: boolean
  timeMajor?: boolean
  stateful?: boolean
  zeroOutputForMask?: boolean
  unroll?: boolean
  returnState?: boolean
  returnSequences?: boolean
}

/** All that options can be. */
const every = <K extends keyof Options>(...names: K[]): Options[] =>
  names.reduce<Options[]>((all, name) => all.flatMap(one => [one, { ...one, [name]: true }]), [{}])

const flat = (value: unknown): Tensor[] =>
  Array.isArray(value)
    ? value.flatMap(flat)
    : (value as Tensor).shape
      ? [value as Tensor]
      : Object.values(value as object).flatMap(flat)

const given = (stored: Stored) => tensor(numbersOf(stored), stored.shape)

/** Axes 0 and 1 the other way round. */
const swap = <X extends Tensor>(x: X) => ops.transpose(x, [1, 0, ...x.shape.slice(2).map((_, i) => i + 2)])

const balanced = (fn: () => void) => () => {
  const before = currentEngine().stats().tensors
  scope(fn as () => undefined)
  assert.is(currentEngine().stats().tensors, before, 'live tensors')
}

for (const { cell, args, x: stored, constants: texts, weights, ...each } of cases) {
  if (each.mask || (each as { config?: { go_backwards: boolean } }).config?.go_backwards) continue
  const [batch, time, ...features] = stored.shape as [number, number, ...number[]]
  const unbuilt = (options: Options = {}) => {
    const Cell = classes[cell] as new (...args: number[]) => RNNCell
    return new RNN({ cell: new Cell(...args), returnSequences: true, ...options } as never) as RNN
  }
  const make = (options: Options = {}): RNN => {
    const layer = unbuilt(options)
    const rows = options.stateful ? batch : null
    const steps = options.unroll ? time : null
    layer.build([...(options.timeMajor ? [steps, rows] : [rows, steps]), ...features])
    layer.setWeights(values)
    return layer
  }
  // no difference may cross the kinks of the rectified
  const values = weights.map((weight, i) => {
    const numbers = numbersOf(weight) as Float32Array
    return cell === 'IndRNN' && i === 2 ? numbers.map((_, unit) => (unit % 2 ? 3 : -5)) : numbers
  })
  const withConstants = (constants: readonly unknown[]) => (constants.length > 0 ? { constants } : {})

  /** What a layer should give, row by row: the steps that count, one after the other, without any mask. */
  const expected = (
    layer: RNN,
    x: Tensor,
    constants: Tensor[],
    how: Options,
    mask?: number[][],
    calls = 1,
  ) => {
    const rows = Array.from({ length: batch }, (_, b) => {
      const own = ops.slice(x, [b], [1])
      const order = Array.from({ length: time }, (_, t) => (how.goBackwards ? time - 1 - t : t))
      const active = order.filter(t => !mask || mask[b]![t])
      const all = Array.from({ length: calls }, () => active).flat()
      const fixed = withConstants(constants.map(c => ops.slice(c, [b], [1])))
      const made =
        all.length > 0 &&
        (layer.apply(
          ops.concatenate(
            all.map(t => ops.slice(own, [0, t], [null, 1])),
            1,
          ),
          fixed as never,
        ) as Tensor)
      const width = made ? made.data().length / all.length : 0
      let next = (calls - 1) * active.length
      let last: number[] | undefined
      return order.map(t => {
        if (mask && !mask[b]![t]) return how.zeroOutputForMask ? undefined : last
        last = [...(made as Tensor).data().slice(next * width, (next + 1) * width)]
        next++
        return last
      })
    })
    const width = rows.flat().find(Boolean)!.length
    return rows.flatMap(row => row.flatMap(step => step ?? Array<number>(width).fill(0)))
  }

  test(`${cell}: masks, backwards, time first, stateful, unrolled, zeros: all of it together`, () =>
    balanced(() => {
      const layer = make()
      const [x, constants] = [given(stored), texts.map(given)]
      for (const options of every('goBackwards', 'timeMajor', 'stateful', 'zeroOutputForMask', 'unroll'))
        for (const given of [undefined, mask]) {
          const own = make(options)
          const turn = (y: Tensor) => (options.timeMajor ? swap(y) : y)
          const how = {
            ...withConstants(constants),
            ...(given && { mask: options.timeMajor ? ops.transpose(given) : given }),
          }
          const name = JSON.stringify({ ...options, mask: given !== undefined })
          for (const calls of options.stateful ? [1, 2] : [1]) {
            const y = turn(own.apply(turn(x), how as never) as Tensor)
            assert.equal(
              [...y.data()],
              expected(layer, x, constants, options, given, calls),
              `${name}, call ${calls}`,
            )
          }
          own.dispose()
        }
      layer.dispose()
    })())

  test(`${cell}: gradients by differences, in every order of the axes and of time, masked, carried on, wrapped`, () =>
    balanced(() => {
      const constants = texts.map(given)
      const data = numbersOf(stored) as Float32Array
      const shape = stored.shape
      const both = () => {
        const layer = new Bidirectional({
          layer: unbuilt(),
          numConstants: constants.length,
        } as never) as unknown as RNN
        layer.build([null, null, ...features])
        layer.setWeights([...values, ...values])
        return layer
      }
      const layers: [string, RNN, boolean][] = [
        ...every('goBackwards', 'timeMajor', 'stateful').map(
          options =>
            [
              JSON.stringify(options),
              make({ ...options, returnState: true }),
              options.timeMajor === true,
            ] as [string, RNN, boolean],
        ),
        ['Bidirectional', both(), false],
      ]
      if (texts.length === 0) {
        const each = new TimeDistributed({ layer: make({ returnSequences: false }) as never })
        layers.push(['TimeDistributed', each as unknown as RNN, false])
      }
      for (const [name, layer, turned] of layers)
        for (const given of name === 'TimeDistributed' ? [undefined] : [undefined, mask]) {
          const how = {
            ...withConstants(constants),
            ...(given && { mask: turned ? ops.transpose(given) : given }),
          }
          const loss = (x: SymbolicTensor) => {
            const turn = turned
              ? (ops.transpose(x, [1, 0, ...features.map((_, i) => i + 2)]) as Tensor)
              : (x as Tensor)
            const input = name === 'TimeDistributed' ? (ops.expandDims(turn, 1) as Tensor) : turn
            return flat(layer.apply(input, how as never))
              .map((y, i) => ops.sum(ops.multiply(y, ops.sin(ops.add(y, i)))))
              .reduce((sum, part) => ops.add(sum, part))
          }
          // a stateful layer carries on at every call: from here each time
          if (layer.stateful) loss(tensor(data, shape))
          const start = layer.stateful ? layer.states : undefined
          const reset = () => start && layer.resetStates(start)
          const direction = numbers(data.length, 9)
          const moved = (by: number) => {
            reset()
            return loss(
              tensor(
                data.map((v, i) => v + by * direction[i]!),
                shape,
              ),
            ).item() as number
          }
          reset()
          const slope = (ops.grad(loss)(tensor(data, shape)) as Tensor).data()
          const h = 1 / 128
          const difference = (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h)
          const product = direction.reduce((sum, v, i) => sum + v * slope[i]!, 0)
          const size = 1 + Math.abs(product)
          assert.ok(
            Math.abs(product - difference) < 5e-3 * size,
            `${name}${given ? ' masked' : ''}: ${product}, by differences ${difference}`,
          )
          // by the weights, all at once
          reset()
          const variables = layer.trainableWeights
          const slopes = (ops.grad(loss as never, { variables }) as (x: Tensor) => Tensor[])(
            tensor(data, shape),
          )
          const ways = variables.map((v, i) => numbers(v.data().length, 40 + i))
          const before = variables.map(v => v.data())
          const shifted = (by: number) => {
            layer.setWeights(before.map((v, i) => v.map((w, k) => w + by * ways[i]![k]!)))
            const made = moved(0)
            layer.setWeights(before)
            return made
          }
          const other = (8 * (shifted(h) - shifted(-h)) - (shifted(2 * h) - shifted(-2 * h))) / (12 * h)
          const total = ways.reduce((sum, way, i) => {
            const own = slopes[i]!.data()
            return sum + way.reduce((part, v, k) => part + v * own[k]!, 0)
          }, 0)
          assert.ok(
            Math.abs(total - other) < 5e-3 * (1 + Math.abs(total)),
            `${name}${given ? ' masked' : ''}, weights: ${total}, by differences ${other}`,
          )
        }
      for (const [, layer] of layers) layer.dispose()
    })())

  test(`${cell}: both directions, every step of something longer, configs: the same bits`, () =>
    balanced(() => {
      const [x, constants] = [given(stored), texts.map(given)]
      const plain = make()
      for (const given of [undefined, mask]) {
        const how = { ...withConstants(constants), ...(given && { mask: given }) }
        const both = new Bidirectional({
          layer: unbuilt({ returnState: true }),
          mergeMode: null,
        } as never) as unknown as RNN
        both.build([null, null, ...features])
        both.setWeights([...values, ...values])
        const [there, back] = flat(both.apply(x, how as never)) as [Tensor, Tensor]
        const options = { zeroOutputForMask: true }
        assert.equal([...there.data()], expected(plain, x, constants, options, given))
        const turned = { ...options, goBackwards: true }
        assert.equal([...ops.flip(back, 1).data()], expected(plain, x, constants, turned, given))
        // the same layer from its config
        const config = serialize(both)
        const again = deserialize(JSON.parse(JSON.stringify(config))) as RNN
        assert.equal(serialize(again), config)
        again.build([null, null, ...features])
        again.setWeights(both.getWeights())
        assert.equal(
          flat(again.apply(x, how as never)).map(y => y.data()),
          flat(both.apply(x, how as never)).map(y => y.data()),
        )
        for (const layer of [both, again]) layer.dispose()
      }
      const numConstants = constants.length
      const each = new TimeDistributed({
        layer: new RNN({ cell: plain.cell, returnSequences: true, numConstants }),
      })
      const halves = [x, ops.multiply(x, 0.5)]
      const twice = [ops.stack(halves, 1), ...constants.map(c => ops.stack([c, c], 1))]
      const y = each.apply((numConstants > 0 ? twice : twice[0]!) as never) as Tensor
      const rows = halves.map(half => plain.apply(half, withConstants(constants) as never) as Tensor)
      assert.equal(y.data(), ops.stack(rows, 1).data())
      for (const layer of [each, plain]) layer.dispose()
    })())

  test(`${cell}: a masked stream has the bits of the masked sequence, in steps, blocks and other rows`, () =>
    balanced(() => {
      const layer = make()
      const input = Input({ shape: [null, ...features] })
      const inputs = texts.map(({ shape }, i) => Input({ shape: shape.slice(1), name: `text${i}` }))
      const outputs = layer.apply(input, withConstants(inputs) as never) as SymbolicTensor
      const model = new Model({ inputs: inputs[0] ? { x: input, text0: inputs[0] } : input, outputs })
      const text = texts[0] && { text0: given(texts[0]) }
      const x = given(stored)
      const whole = model.predict(
        (text ? { x, ...text } : x) as never,
        { mask: text ? { x: mask, text0: null } : mask } as never,
      ) as NdArray
      const size = whole.data.length / batch / time
      const width = features.reduce((all, n) => all * n)
      const data = numbersOf(stored) as Float32Array
      const part = (from: ArrayLike<number>, size: number, start: number, count: number, rows = [0, 1, 2]) =>
        rows.flatMap(b => [
          ...Array.from(from).slice((b * time + start) * size, (b * time + start + count) * size),
        ])
      const stream = model.stream({ batch, ...(text && { inputs: { text0: text.text0.array() } }) } as never)
      const masks = (start: number, count: number, rows = [0, 1, 2]) =>
        rows.map(b => mask[b]!.slice(start, start + count))
      const wrap = (own: unknown) => ({ mask: own }) as never
      let saved: Uint8Array | undefined
      for (const [start, count] of [
        [0, 1],
        [1, 2],
        [3, 1],
        [4, 1],
      ] as const) {
        const block = Float32Array.from(part(data, width, start, count))
        const own = masks(start, count)
        const y =
          count === 1
            ? stream.step(block, null, wrap(own.map(([m]) => m!)))
            : stream.steps(block, null, wrap(own))
        assert.equal([...y], part(whole.data, size, start, count), `steps ${start} to ${start + count}`)
        if (start === 1) saved = stream.saveRow(1)
      }
      // row 1 goes on elsewhere from where it was saved
      const alone = model.stream({
        batch: 1,
        ...(texts[0] && { inputs: { text0: ops.slice(given(texts[0]), [1], [1]).array() } }),
      } as never)
      alone.loadRow(0, saved!)
      const block = Float32Array.from(part(data, width, 3, 2, [1]))
      assert.equal([...alone.steps(block, null, wrap(masks(3, 2, [1])))], part(whole.data, size, 3, 2, [1]))
      for (const owner of [alone, stream, model, layer]) owner.dispose()
    })())
}

test.run()
