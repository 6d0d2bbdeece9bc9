/** Recurrent cells as their equations say, in f64 and one number after another: what the layers are compared with. */

export type Matrix = number[][]

export interface ReferenceCell {
  units: number
  states: number
  /** `[output, ...states]` for one sequence. */
  step(x: number[], states: number[][]): number[][]
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))

/** a·m for a row `a`. */
function times(a: readonly number[], m: Matrix): number[] {
  return m[0]!.map((_, column) => a.reduce((sum, value, k) => sum + value * m[k]![column]!, 0))
}

const plus = (...rows: (readonly number[])[]) =>
  rows[0]!.map((_, i) => rows.reduce((sum, row) => sum + row[i]!, 0))
const block = (row: readonly number[], units: number, which: number) =>
  row.slice(which * units, (which + 1) * units)

export function simpleRnn(kernel: Matrix, recurrent: Matrix, bias: number[]): ReferenceCell {
  const units = recurrent.length
  return {
    units,
    states: 1,
    step(x, [h]) {
      const next = plus(times(x, kernel), times(h!, recurrent), bias).map(Math.tanh)
      return [next, next]
    },
  }
}

export function lstm(kernel: Matrix, recurrent: Matrix, bias: number[]): ReferenceCell {
  const units = recurrent.length
  return {
    units,
    states: 2,
    step(x, [h, c]) {
      const z = plus(times(x, kernel), times(h!, recurrent), bias)
      const [i, f, g, o] = [0, 1, 2, 3].map(which => block(z, units, which)) as [
        number[],
        number[],
        number[],
        number[],
      ]
      const cell = c!.map((value, u) => sigmoid(f[u]!) * value + sigmoid(i[u]!) * Math.tanh(g[u]!))
      const next = cell.map((value, u) => sigmoid(o[u]!) * Math.tanh(value))
      return [next, next, cell]
    },
  }
}

/** `bias` is one row, or with `resetAfter` one for the inputs and one for the state. */
export function gru(kernel: Matrix, recurrent: Matrix, bias: Matrix, resetAfter: boolean): ReferenceCell {
  const units = recurrent.length
  return {
    units,
    states: 1,
    step(x, [h]) {
      const input = plus(times(x, kernel), bias[0]!)
      const state = plus(times(h!, recurrent), resetAfter ? bias[1]! : new Array(3 * units).fill(0))
      const gate = (which: number) =>
        plus(block(input, units, which), block(state, units, which)).map(sigmoid)
      const [z, r] = [gate(0), gate(1)]
      const rows = (m: Matrix) => m.map(row => block(row, units, 2))
      const inner = resetAfter
        ? block(state, units, 2).map((value, u) => r[u]! * value)
        : times(
            h!.map((value, u) => r[u]! * value),
            rows(recurrent),
          )
      const candidate = plus(block(input, units, 2), inner).map(Math.tanh)
      const next = h!.map((value, u) => z[u]! * value + (1 - z[u]!) * candidate[u]!)
      return [next, next]
    },
  }
}

export interface ReferenceOptions {
  backward?: boolean
  mask?: boolean[]
  states?: number[][]
}

/** One sequence through a cell: all outputs in processing order, and the last states. */
export function runReference(
  cell: ReferenceCell,
  sequence: Matrix,
  options: ReferenceOptions = {},
): { outputs: Matrix; states: Matrix } {
  const order = sequence.map((_, t) => t)
  if (options.backward) order.reverse()
  const zeros = () => new Array<number>(cell.units).fill(0)
  let states = options.states ?? Array.from({ length: cell.states }, zeros)
  let previous = zeros()
  const outputs = order.map(t => {
    if (options.mask && !options.mask[t]) return previous
    const [output, ...next] = cell.step(sequence[t]!, states)
    states = next
    previous = output!
    return output!
  })
  return { outputs, states }
}
