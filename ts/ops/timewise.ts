/**
 * What can be computed step by step: in a stream, where time is the only size without a number but the batch, an op must treat each time
 * step by itself. Only layers that keep what they need of earlier steps may do more.
 */
import { UnsupportedError } from '../errors.js'
import { Activation, Op } from '../generated/enums.js'
import type { Origin } from './program.js'
import { anySize, type TracedTensor } from './traced_tensor.js'

/** The axes of a value that are time; where none is, those of a size without a name, which may be rows and steps in one. */
export function timeAxes({ dims }: TracedTensor): number[] {
  const axes = (is: (dim: number) => boolean) => dims.flatMap((dim, axis) => (is(dim) ? [axis] : []))
  const named = axes(isTime)
  return named.length > 0 ? named : axes(dim => dim === anySize)
}

const isTime = (dim: number) => dim < -1 && dim !== anySize
const isNamed = ({ dims }: TracedTensor) => dims.some(isTime)

const rowwise: readonly number[] = [Activation.Softmax, Activation.LogSoftmax, Activation.Sparsemax]

/** Time stays by itself where the value has it, once: reduced or contracted over time, it has none. */
const always: readonly Op[] = [
  ...[Op.Unary, Op.Binary, Op.Compare, Op.Logical, Op.Not, Op.Select, Op.Cast, Op.Stop],
  ...[Op.Transpose, Op.Broadcast, Op.Reduce, Op.ArgReduce, Op.MatMul],
]

type Rule = (at: number, attrs: readonly number[], x: TracedTensor, y: TracedTensor) => boolean

/** Whether time may be axis `at` of the first input. */
const where: Partial<Record<Op, Rule>> = {
  [Op.Activate]: (at, [kind], x) => at < x.rank - 1 || !rowwise.includes(kind!),
  [Op.Reshape]: (at, _, x, y) => {
    const to = timeAxes(y)[0]!
    return size(x, 0, at) === size(y, 0, to) || size(x, at + 1) === size(y, to + 1)
  },
  [Op.Slice]: (at, [, ...parts]) => parts.every((axis, i) => i % 4 > 0 || axis !== at),
  [Op.Flip]: (at, [, ...axes]) => !axes.includes(at),
  [Op.Concat]: (at, [axis]) => axis !== at,
  [Op.Gather]: at => at > 0,
  [Op.Conv]: at => at === 0,
}

/** The number of elements of some axes, as text. */
function size({ dims }: TracedTensor, start: number, end?: number): string {
  const sizes = dims.slice(start, end)
  const product = sizes.filter(size => size >= 0).reduce((a, b) => a * b, 1)
  return `${product} ${sizes.filter(size => size < 0).sort()}`
}

/** Refuses a record that does not treat each time step by itself. */
export function checkTimewise(
  op: Op,
  attrs: readonly number[],
  inputs: readonly TracedTensor[],
  outputs: readonly TracedTensor[],
  { op: name, layer = 'the model' }: Origin,
): void {
  if (isTimewise(op, attrs, inputs, outputs)) return
  throw new UnsupportedError(`${layer} cannot stream: ${name} needs the whole sequence`, { layer })
}

function isTimewise(
  op: Op,
  attrs: readonly number[],
  inputs: readonly TracedTensor[],
  outputs: readonly TracedTensor[],
): boolean {
  const timed = inputs.filter(x => timeAxes(x).length > 0)
  // of what is filled only the sizes are read
  if (timed.length === 0 || op === Op.Fill || op === Op.Random) return true
  const [x] = inputs
  const [at] = timeAxes(x!)
  if (op === Op.Size) return !timeAxes(x!).some(axis => attrs.includes(axis, 1))
  if ([...timed, ...outputs].some(value => timeAxes(value).length !== 1)) return false
  // longer or shorter, time would have lost its name
  if (timed.some(isNamed) && !outputs.every(isNamed)) return false
  if (always.includes(op)) return true
  const rule = where[op]
  // time of another input is that of ids, of sizes, of what is joined
  return rule !== undefined && (at === undefined || rule(at, attrs, x!, outputs[0]!))
}
