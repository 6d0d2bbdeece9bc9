/** A built-in cell over time, as one op. */
import { Op } from '../generated/enums.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import { cast } from './cast.js'
import { operate } from './operation.js'

export interface SequenceOptions {
  /** CellKind: which equations. */
  kind: number
  /** Activation of the candidate and of the output. */
  activation: number
  /** Activation of the gates. */
  recurrentActivation: number
  units: number
  bias?: SymbolicTensor | null
  /** [batch, time]: 0 where a step is left out: the output is repeated, states carry over. */
  mask?: SymbolicTensor | null
  /** What the states are at the start, [batch, units] each. Default: zeros. */
  states?: readonly SymbolicTensor[] | null
  /** [batch, units]: what a masked step repeats before the first that counts. Default: zeros. */
  previous?: SymbolicTensor | null
  /** From the last step to the first; outputs in the order of processing. */
  backward?: boolean
  /** Masked steps put out zeros. */
  zeroOutput?: boolean
  /** All outputs [batch, time, units], instead of the last [batch, units]. */
  all?: boolean
  /** Time comes before batch: in x, in the mask, and in all outputs. */
  timeMajor?: boolean
}

export interface SequenceResult {
  output: SymbolicTensor
  /** The states at the end, [batch, units] each. */
  states: SymbolicTensor[]
  /** What a masked step would repeat next; there when the one before was given. */
  previous?: SymbolicTensor
}

/** Bits of the record. */
const operand = { bias: 1, mask: 2, states: 4, previous: 8 }
const result = { last: 1, all: 2, states: 4, previous: 8 }
const flag = { backward: 1, zeroOutput: 2, timeMajor: 4 }

/** Runs a cell over `x` [batch, time, features], or [time, batch, features] with `timeMajor`. */
export function sequence(
  x: SymbolicTensor,
  kernel: SymbolicTensor,
  recurrent: SymbolicTensor,
  options: SequenceOptions,
): SequenceResult {
  const {
    kind,
    activation,
    recurrentActivation,
    units,
    bias,
    mask,
    states,
    previous,
    backward,
    zeroOutput,
    all,
    timeMajor,
  } = options
  const given =
    (bias ? operand.bias : 0) +
    (mask ? operand.mask : 0) +
    (states ? operand.states : 0) +
    (previous ? operand.previous : 0)
  const initial = (states ?? []).map((state, i): [string, SymbolicTensor] => [`initialState ${i}`, state])
  const operands: [role: string, value: SymbolicTensor | null | undefined][] = [
    ['x', x],
    ['kernel', kernel],
    ['recurrent kernel', recurrent],
    ['bias', bias],
    ['mask', mask],
    ...initial,
    ['previous output', previous],
  ]
  const there = operands.filter(([, value]) => value)
  const roles = there.map(([role]) => role)
  const [output, ...after] = operate(
    'sequence',
    there.map(([, value]) => value!),
    (values, trace) =>
      trace.emit(
        Op.Sequence,
        values.map((value, i) => (roles[i] === 'mask' ? cast(value, 'bool') : value)),
        [
          kind,
          activation,
          recurrentActivation,
          units,
          (backward ? flag.backward : 0) +
            (zeroOutput ? flag.zeroOutput : 0) +
            (timeMajor ? flag.timeMajor : 0),
          given,
          (all ? result.all : result.last) + result.states + (previous ? result.previous : 0),
        ],
      ),
    roles,
  )
  const next = previous ? after.pop() : undefined
  return { output: output!, states: after, ...(next && { previous: next }) }
}
