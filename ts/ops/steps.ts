/** A step that was written with ops, over time, as one op. */
import { Op } from '../generated/enums.js'
import type { SymbolicTensor, Variable } from '../tensor/tensor.js'
import { cast } from './cast.js'
import { CellCall } from './cell_call.js'
import { inOperation } from './public_op.js'
import { role, StepTrace, type StepType } from './step.js'
import type { Trace, TracedTensor } from './trace.js'

export interface StepsOptions {
  /** Where the sequence is computed. */
  trace: Trace
  /** What all steps have in common, if they are not all here. */
  call?: CellCall
  /** The name of the cell, for errors. */
  cell: string
  /** Whether the sequences are one step of longer ones. */
  unrolled?: boolean
  /** Refuses variables that do not belong to the cell. */
  admit?: (variable: Variable) => void
  /** `[batch, time, ...]` each. */
  inputs: readonly SymbolicTensor[]
  /** What states start from, `[batch, ...]`; of those that start from zeros the type. */
  states: readonly (TracedTensor | StepType)[]
  /** `[batch, time]`: 0 where a step is left out: outputs are repeated, states carry over. */
  mask?: SymbolicTensor
  /** From the last step to the first; outputs in the order of processing. */
  backward?: boolean
  /** Masked steps put out zeros. */
  zeroOutput?: boolean
  /** All outputs `[batch, time, ...]`, instead of the last ones `[batch, ...]`. */
  all?: boolean
  /** What masked steps repeat before the first that counts, by the outputs of a step. Default: zeros. */
  previous?: (outputs: readonly TracedTensor[]) => readonly SymbolicTensor[]
  /** Whether what masked steps would repeat next is wanted. */
  remember?: boolean
  /** Nothing has rows: inputs are `[time, ...]`, states what they are, all outputs `[time, ...]`. */
  shared?: boolean
  /** One step. */
  step(inputs: readonly TracedTensor[], states: readonly TracedTensor[]): StepValues
}

/** What a step makes. */
export interface StepValues {
  outputs: readonly SymbolicTensor[]
  /** The states' next values. */
  states: readonly SymbolicTensor[]
}

export interface StepsResult {
  outputs: TracedTensor[]
  /** The states at the end. */
  states: TracedTensor[]
  /** What a masked step would repeat next, if it was to be remembered. */
  previous: TracedTensor[]
}

const flag = { backward: 1, zeroOutput: 2, mask: 4 }
const result = { last: 0, all: 1, finalState: 3, nextPrevious: 4 }

/** Traces `step` once and runs it over the sequences. */
export function steps(options: StepsOptions): StepsResult {
  const { trace, cell, admit, unrolled, backward, zeroOutput, all, shared } = options
  const sequences = options.inputs.map(input => trace.own(input))
  const mask = options.mask && trace.own(cast(options.mask, 'bool'))
  const [first] = sequences as [TracedTensor]
  const { call = new CellCall(first) } = options
  const sequence = shared ? undefined : first
  trace.settle()
  const body = new StepTrace({ outer: trace, cell, call, sequence, unrolled, admit })
  try {
    const outputs = body.run(() => {
      const inputs = sequences.map(sequence => body.x(sequence))
      const states = options.states.map(state => body.state(state, 'trace' in state ? state : undefined))
      const made = options.step(inputs, states)
      const next = made.states.map(state => body.own(state))
      const own = body.inputs.filter(({ role: kind }) => kind === role.state || kind === role.zeroState)
      next.forEach((value, i) => {
        own[i]!.next = value
      })
      return made.outputs.map(output => body.own(output))
    })
    const kept = body.inputs.filter(({ next }) => next)
    const given = options.previous?.(outputs).map(value => trace.own(value))
    // without a mask nothing is repeated
    const previous = (mask && given) || []
    const memory = mask ? result.nextPrevious : result.last
    const values = body.inputs.flatMap(({ operand }) => (operand ? [operand] : []))
    const operands = [...values, ...(mask ? [mask] : []), ...previous]
    const wanted = [
      ...outputs.map((_, i) => [all ? result.all : result.last, kept.length + i]),
      ...kept.map((_, i) => [result.finalState, i]),
      ...(options.remember ? outputs.map((_, i) => [memory, kept.length + i]) : []),
    ]
    const flags = (backward ? flag.backward : 0) + (zeroOutput ? flag.zeroOutput : 0) + (mask ? flag.mask : 0)
    const roles = body.inputs.map(input => input.role)
    const program = body.program(outputs)
    try {
      const results = inOperation('sequence', rolesOf(body, mask !== undefined), () =>
        trace.emit(Op.Steps, operands, [
          program,
          flags,
          previous.length,
          roles.length,
          ...roles,
          2 * wanted.length,
          ...wanted.flat(),
        ]),
      )
      const after = results.slice(outputs.length, outputs.length + kept.length)
      kept.forEach(({ variable }, i) => {
        if (variable) trace.say(variable, after[i]!)
      })
      trace.settle()
      return {
        outputs: results.slice(0, outputs.length),
        states: after.slice(0, options.states.length),
        previous: results.slice(outputs.length + kept.length),
      }
    } finally {
      trace.engine.call('program_free', program)
    }
  } finally {
    body.dispose()
  }
}

/** What errors call the operands. */
function rolesOf(body: StepTrace, masked: boolean): string[] {
  const counts = { inputs: 0, state: 0 }
  const names = body.inputs.flatMap(({ role: kind, operand, variable }) => {
    if (kind === role.x) return [`input ${counts.inputs++}`]
    if (kind === role.capture || variable) return [`${variable ?? 'a value from outside the step'}`]
    const name = `initialState ${counts.state++}`
    return operand ? [name] : []
  })
  return [...names, ...(masked ? ['mask'] : []), 'previous output']
}
