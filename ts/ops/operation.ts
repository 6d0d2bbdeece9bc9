/**
 * How an op meets its operands. Traced operands: a record in their trace. Data: a small program is traced, run at once and freed.
 * Symbolic tensors of a functional model: a node of its graph.
 */
import { currentEngine } from '../engine/engine.js'
import { ArgumentError } from '../errors.js'
import { Op } from '../generated/enums.js'
import { type ArrayLike, convert } from '../tensor/convert.js'
import { kindOf } from '../tensor/shape.js'
import { fromValues, SymbolicTensor, Tensor, Variable } from '../tensor/tensor.js'
import { inOperation } from './public_op.js'
import { Trace, TracedTensor } from './trace.js'

/** What ops take: tensors of any kind, and numbers, which become constants. */
export type Operand = SymbolicTensor | ArrayLike

/** Like to like: data give data, traced tensors give traced ones, symbolic tensors of a model symbolic ones. */
export type Like<T> = [Extract<T, SymbolicTensor>] extends [Tensor]
  ? Tensor
  : [Extract<T, SymbolicTensor>] extends [Tensor | TracedTensor]
    ? TracedTensor
    : SymbolicTensor

/** Makes the values of an op in the trace that is being recorded. */
export type Body = (inputs: readonly SymbolicTensor[], trace: Trace) => readonly SymbolicTensor[]

/**
 * Adds an op to the graph of a functional model: `inputs` are its symbolic tensors, and `body`, in a trace, computes the outputs from
 * traced values in their place.
 */
export type FunctionalHandler = (
  name: string,
  inputs: readonly SymbolicTensor[],
  body: (inputs: readonly SymbolicTensor[]) => readonly SymbolicTensor[],
) => readonly SymbolicTensor[]

let functional: FunctionalHandler | undefined

/** Called by what makes a graph's first tensors. */
export function setFunctionalHandler(handler: FunctionalHandler): void {
  functional = handler
}

const isSymbol = (value: unknown): value is SymbolicTensor =>
  value instanceof SymbolicTensor && !(value instanceof Tensor) && !(value instanceof TracedTensor)

/** Applies an op to its operands; `roles` is what its messages call them. */
export function operate(
  name: string,
  operands: readonly Operand[],
  body: Body,
  roles: readonly string[] = operands.length === 2 ? ['a', 'b'] : ['x'],
): readonly SymbolicTensor[] {
  const symbols = operands.filter(isSymbol)
  // Inside a step the values around it are known too: the trace that is recorded takes them in.
  const trace = Trace.current() ?? operands.find(operand => operand instanceof TracedTensor)?.trace
  if (symbols.length > 0 && !trace) {
    if (!functional) throw new ArgumentError(`${name}: symbolic tensors need the module of functional models`)
    return functional(name, symbols, values => {
      let next = 0
      return operate(
        name,
        operands.map(operand => (isSymbol(operand) ? values[next++]! : operand)),
        body,
        roles,
      )
    })
  }
  return trace ? record(name, trace, operands, body, roles) : execute(name, operands, body, roles)
}

/** The same for ops with one result. */
export function operateOne<T extends Operand>(
  name: string,
  operands: readonly T[],
  body: (inputs: readonly SymbolicTensor[], trace: Trace) => SymbolicTensor,
  roles?: readonly string[],
): Like<T> {
  const [result] = operate(name, operands, (inputs, trace) => [body(inputs, trace)], roles)
  return result as Like<T>
}

function record(
  name: string,
  trace: Trace,
  operands: readonly Operand[],
  body: Body,
  roles: readonly string[],
): readonly SymbolicTensor[] {
  return inOperation(name, roles, () =>
    trace.run(() =>
      body(
        operands.map((operand, i) => value(trace, operand, `${name}: ${roles[i]}`)),
        trace,
      ),
    ),
  )
}

/** An operand in a trace. */
function value(trace: Trace, operand: Operand, what: string): SymbolicTensor {
  if (operand instanceof Tensor) return trace.capture(operand)
  if (operand instanceof SymbolicTensor) return isSymbol(operand) ? trace.own(operand) : operand
  const values = convert(operand, { what })
  if (values.shape.length > 0) return trace.capture(fromValues(trace.engine, values))
  // Integers written as numbers serve both kinds of arithmetic; the op that takes them decides.
  return trace.emit(
    Op.Fill,
    [],
    [kindOf(values.dtype).code, bits(values.data[0]!, values.dtype === 'float32'), 0],
  )[0]!
}

function execute(
  name: string,
  operands: readonly Operand[],
  body: Body,
  roles: readonly string[],
): readonly Tensor[] {
  const tensors = [...new Set(operands.filter(operand => operand instanceof Tensor))]
  const engine = tensors[0]?.engine ?? currentEngine()
  // Variables are captured, so that their packed forms are kept with them; other data are given to the one run.
  const given = tensors.filter(tensor => !(tensor instanceof Variable))
  const trace = (trace: Trace) => {
    const inputs = new Map(given.map(tensor => [tensor, trace.input(tensor.shape, tensor.dtype)]))
    return record(
      name,
      trace,
      operands.map(operand => inputs.get(operand as Tensor) ?? operand),
      body,
      roles,
    )
  }
  const program = Trace.program(engine, 'predict', trace, given)
  try {
    const call = program.bind(given.map(tensor => tensor.shape)).call(given)
    try {
      call.run()
    } catch (error) {
      for (const output of call.outputs) output.dispose()
      throw error
    } finally {
      call.dispose()
    }
    return call.outputs
  } finally {
    program.dispose()
  }
}

const float = new Float32Array(1)
const word = new Uint32Array(float.buffer)

/** A number as a word of a record. */
export function bits(value: number, isFloat = true): number {
  if (!isFloat) return value
  float[0] = value
  return word[0]!
}
