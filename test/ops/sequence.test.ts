import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { currentEngine } from '../../ts/engine/engine.js'
import { scope } from '../../ts/engine/handle.js'
import { ShapeError } from '../../ts/errors.js'
import { Activation, CellKind } from '../../ts/generated/enums.js'
import * as ops from '../../ts/ops/index.js'
import { type SequenceOptions, sequence } from '../../ts/ops/sequence.js'
import { Trace } from '../../ts/ops/trace.js'
import { type SymbolicTensor, type Tensor, tensor } from '../../ts/tensor/tensor.js'
import { balanced, fails, near } from '../engine/support.js'

const [batch, time, features, units] = [3, 5, 4, 6]

let seed = 1
const numbers = (length: number) =>
  Array.from({ length }, () => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
    return Math.fround((seed >>> 8) / 2 ** 23 - 1)
  })

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))
type Row = number[]
const times = (x: Row, w: Row, columns: number, from: number): Row =>
  Array.from({ length: units }, (_, u) =>
    x.reduce((sum, value, k) => sum + value * w[k * columns + from + u]!, 0),
  )
const plus = (...rows: Row[]): Row => rows[0]!.map((_, u) => rows.reduce((sum, row) => sum + row[u]!, 0))

interface Weights {
  kernel: Row
  recurrent: Row
  bias: Row
}
type Step = (x: Row, states: Row[], w: Weights) => Row[]

const gates = (x: Row, h: Row, w: Weights, n: number) => (gate: number) =>
  plus(
    times(x, w.kernel, n * units, gate * units),
    times(h, w.recurrent, n * units, gate * units),
    w.bias.slice(gate * units, (gate + 1) * units),
  )

/** The equations as Keras documents them, in double precision. */
const cells: Record<string, { kind: CellKind; gates: number; states: number; step: Step; bias: number }> = {
  simpleRnn: {
    kind: CellKind.SimpleRnn,
    gates: 1,
    states: 1,
    bias: units,
    step: (x, [h], w) => [gates(x, h!, w, 1)(0).map(Math.tanh)],
  },
  lstm: {
    kind: CellKind.Lstm,
    gates: 4,
    states: 2,
    bias: 4 * units,
    step: (x, [h, c], w) => {
      const gate = gates(x, h!, w, 4)
      const [i, f, g, o] = [
        gate(0).map(sigmoid),
        gate(1).map(sigmoid),
        gate(2).map(Math.tanh),
        gate(3).map(sigmoid),
      ]
      const next = c!.map((value, u) => f[u]! * value + i[u]! * g[u]!)
      return [next.map((value, u) => o[u]! * Math.tanh(value)), next]
    },
  },
  gruResetAfter: {
    kind: CellKind.GruResetAfter,
    gates: 3,
    states: 1,
    bias: 6 * units,
    step: (x, [h], w) => {
      const input = gates(x, Array(units).fill(0), w, 3)
      const inner = gates([], h!, { ...w, bias: w.bias.slice(3 * units) }, 3)
      const [z, r] = [0, 1].map(gate => plus(input(gate), inner(gate)).map(sigmoid))
      const candidate = input(2).map((value, u) => Math.tanh(value + r![u]! * inner(2)[u]!))
      return [h!.map((value, u) => z![u]! * value + (1 - z![u]!) * candidate[u]!)]
    },
  },
  gruResetBefore: {
    kind: CellKind.GruResetBefore,
    gates: 3,
    states: 1,
    bias: 3 * units,
    step: (x, [h], w) => {
      const [z, r] = [0, 1].map(gate => gates(x, h!, w, 3)(gate).map(sigmoid))
      const reset = h!.map((value, u) => value * r![u]!)
      const candidate = gates(x, reset, w, 3)(2).map(Math.tanh)
      return [h!.map((value, u) => z![u]! * value + (1 - z![u]!) * candidate[u]!)]
    },
  },
}

/** [batch, time, …] as [time, batch, …] and back. */
const turned = (x: SymbolicTensor): SymbolicTensor =>
  ops.transpose(x, x.shape.length === 2 ? [1, 0] : [1, 0, 2])

interface Case {
  mask?: boolean[][]
  states?: Row[]
  backward?: boolean
  zeroOutput?: boolean
}

/** The loop over time, naively: masked steps repeat the previous output, states carry over. */
function naive(
  { step, states }: (typeof cells)[string],
  x: Row,
  w: Weights,
  options: Case,
): { all: Row; states: Row[] } {
  const all: Row = []
  const ends: Row[] = Array.from({ length: states }, () => [])
  for (let b = 0; b < batch; b++) {
    let state = Array.from({ length: states }, (_, s) =>
      options.states ? options.states[s]!.slice(b * units, (b + 1) * units) : Array<number>(units).fill(0),
    )
    let output = Array<number>(units).fill(0)
    for (let i = 0; i < time; i++) {
      const t = options.backward ? time - 1 - i : i
      if (!options.mask || options.mask[b]![t]) {
        state = step(x.slice((b * time + t) * features, (b * time + t + 1) * features), state, w)
        output = state[0]!
        all.push(...output)
      } else {
        all.push(...(options.zeroOutput ? Array<number>(units).fill(0) : output))
      }
    }
    state.forEach((row, s) => {
      ends[s]!.push(...row)
    })
  }
  return { all, states: ends }
}

const mask = [
  [true, true, false, true, false],
  [false, true, true, true, true],
  [true, false, false, false, false],
]

const cases: Record<string, Case> = {
  plain: {},
  'initial states': { states: [numbers(batch * units), numbers(batch * units)] },
  backward: { backward: true },
  masked: { mask },
  'masked and backward, with states': {
    mask,
    backward: true,
    states: [numbers(batch * units), numbers(batch * units)],
  },
  'masked with zeros': { mask, zeroOutput: true },
}

for (const [name, cell] of Object.entries(cells)) {
  const w: Weights = {
    kernel: numbers(features * cell.gates * units),
    recurrent: numbers(units * cell.gates * units),
    bias: numbers(cell.bias),
  }
  const x = numbers(batch * time * features)
  const after = cell.kind === CellKind.GruResetAfter
  const tensors = () => ({
    x: tensor(x, [batch, time, features]),
    kernel: tensor(w.kernel, [features, cell.gates * units]),
    recurrent: tensor(w.recurrent, [units, cell.gates * units]),
    bias: tensor(w.bias, after ? [2, 3 * units] : [cell.bias]),
  })
  const options = (bias: Tensor): SequenceOptions => ({
    kind: cell.kind,
    activation: Activation.Tanh,
    recurrentActivation: Activation.Sigmoid,
    units,
    bias,
  })

  for (const [title, each] of Object.entries(cases)) {
    test(`${name}, ${title}: as the naive loop in double precision`, () => {
      balanced(() =>
        scope(() => {
          const truth = naive(cell, x, w, each)
          const { x: input, kernel, recurrent, bias } = tensors()
          const given = {
            ...options(bias),
            backward: each.backward,
            zeroOutput: each.zeroOutput,
            mask: each.mask && tensor(each.mask),
            states: each.states?.slice(0, cell.states).map(state => tensor(state, [batch, units])),
          }
          const all = sequence(input, kernel, recurrent, { ...given, all: true })
          near([...all.output.data()], truth.all, 2e-6)
          all.states.forEach((state, s) => {
            near([...state.data()], truth.states[s]!, 2e-6)
          })
          const last = sequence(input, kernel, recurrent, given)
          const ends = ops.squeeze(ops.slice(all.output, [0, time - 1], [batch, 1]), 1)
          assert.equal(last.output.data(), ends.data())
          const timeFirst = sequence(turned(input), kernel, recurrent, {
            ...given,
            mask: given.mask && turned(given.mask),
            all: true,
            timeMajor: true,
          })
          assert.equal(turned(timeFirst.output).data(), all.output.data())
        }),
      )
    })
  }

  test(`${name}: steps, the whole sequence and single rows give the same bits`, () => {
    scope(() => {
      const { x: input, kernel, recurrent, bias } = tensors()
      const whole = sequence(input, kernel, recurrent, { ...options(bias), all: true })
      let states: readonly Tensor[] | undefined
      for (let t = 0; t < time; t++) {
        const step = sequence(ops.slice(input, [0, t], [batch, 1]), kernel, recurrent, {
          ...options(bias),
          states,
        })
        states = step.states as Tensor[]
        assert.equal(step.output.data(), ops.slice(whole.output, [0, t], [batch, 1]).data())
      }
      const row = sequence(ops.slice(input, [1], [1]), kernel, recurrent, { ...options(bias), all: true })
      assert.equal(row.output.data(), ops.slice(whole.output, [1], [1]).data())
    })
  })

  test(`${name}: a NaN in a masked step reaches nothing`, () => {
    scope(() => {
      const { kernel, recurrent, bias } = tensors()
      const bad = x.map((value, i) => (mask.flat()[Math.floor(i / features)] ? value : Number.NaN))
      const run = (data: Row) =>
        sequence(tensor(data, [batch, time, features]), kernel, recurrent, {
          ...options(bias),
          mask: tensor(mask),
          all: true,
        })
      const [good, masked] = [run(x), run(bad)]
      assert.equal(masked.output.data(), good.output.data())
      assert.equal(masked.states[0]!.data(), good.states[0]!.data())
    })
  })
}

test('another length is bound without another trace', () => {
  balanced(() =>
    scope(() => {
      const [kernel, recurrent] = [ops.ones([2, 3]), ops.ones([3, 3])]
      const p = Trace.program(currentEngine(), 'predict', trace => {
        const x = trace.input([null, null, 2], 'float32')
        const { output } = sequence(x, kernel, recurrent, {
          kind: CellKind.SimpleRnn,
          activation: Activation.Linear,
          recurrentActivation: Activation.Linear,
          units: 3,
        })
        assert.equal(output.shape, [null, 3])
        return [output]
      })
      // h' = 2 + 3 h
      for (const [length, value] of [
        [1, 2],
        [2, 8],
        [3, 26],
      ] as const) {
        const call = p.bind([[1, length, 2]]).call([ops.ones([1, length, 2])])
        call.run()
        assert.equal(call.outputs[0]!.array(), [[value, value, value]])
        call.dispose()
      }
      const given = { kind: CellKind.SimpleRnn, activation: 0, recurrentActivation: 0, units: 3 }
      const wrong = (more: object, role: string) => {
        const run = () => sequence(ops.ones([1, 2, 2]), kernel, recurrent, { ...given, ...more })
        assert.is(
          fails(run, ShapeError, new RegExp(`sequence: axis . of ${role} \\[`)).argument,
          role.replace(/ 0$/, ''),
        )
      }
      wrong({ mask: ops.ones([1, 1]) }, 'mask')
      wrong({ bias: ops.ones([1]) }, 'bias')
      wrong({ mask: ops.ones([1, 2]), states: [ops.ones([2, 3])] }, 'initialState 0')
      wrong({ previous: ops.ones([2, 3]) }, 'previous output')
      fails(() => p.bind([[1, 0, 2]]), ShapeError, /sequence: axis 1 of x must be 1, not 0/)
      p.dispose()
    }),
  )
})

test.run()
