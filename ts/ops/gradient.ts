/** Gradients of functions that are made of ops. */
import { currentLayer, mustBe, named, ShapeError, UnsupportedError } from '../errors.js'
import { Op } from '../generated/enums.js'
import { isPlain } from '../plain.js'
import { kindOf } from '../tensor/shape.js'
import { SymbolicTensor, type Tensor, Variable } from '../tensor/tensor.js'
import { zerosLike } from './creation.js'
import { type Leaves, mapLeaves } from './leaves.js'
import { bits, type Like, type Operand, operate, operateOne } from './operation.js'
import { outOfOperation } from './public_op.js'
import { type Trace, TracedTensor } from './trace.js'

export interface GradOptions {
  /** What to differentiate by instead of the arguments, which then may be anything. */
  variables?: readonly Variable[]
  /**
   * Of a recurrent layer, keep only the states at every so many steps and compute what is between again, a segment at a time: the same
   * numbers from less memory, for one more run forward. Least memory: about the square root of the number of steps. Default null:
   * all that the gradient wants of every step is kept.
   */
  segment?: number | null
}

type Given<Args extends readonly unknown[]> = { [K in keyof Args]: Leaves<Args[K], Operand> }

type ByVariables = GradOptions & { variables: readonly Variable[] }

/** The gradient of one argument, or an array of those of several or of variables; with the value in front of it, or without. */
interface Derive<WithValue extends boolean> {
  <Args extends readonly SymbolicTensor[]>(
    fn: (...args: Args) => SymbolicTensor,
    options: ByVariables,
  ): (...args: Given<Args>) => Result<WithValue, Tensor[]>
  <Args extends readonly unknown[]>(
    fn: (...args: Args) => SymbolicTensor,
    options: ByVariables,
  ): (...args: Given<Args>) => Result<WithValue, Tensor[]>
  <X = SymbolicTensor>(
    fn: (x: X) => SymbolicTensor,
    options?: GradOptions,
  ): (x: Leaves<X, Operand>) => Result<WithValue, Leaves<X, Tensor>>
  <Args extends readonly SymbolicTensor[]>(
    fn: (...args: Args) => SymbolicTensor,
    options?: GradOptions,
  ): (...args: Given<Args>) => Result<WithValue, { -readonly [K in keyof Args]: Tensor }>
  <Args extends readonly unknown[]>(
    fn: (...args: Args) => SymbolicTensor,
    options?: GradOptions,
  ): (...args: Given<Args>) => Result<WithValue, { -readonly [K in keyof Args]: Leaves<Args[K], Tensor> }>
}

type Result<WithValue extends boolean, Gradient> = WithValue extends true
  ? [value: Tensor, gradient: Gradient]
  : Gradient

/** A function whose value is a scalar. */
type Differentiable = (...args: never[]) => SymbolicTensor

/**
 * The function that gives the gradient of `fn` by its arguments, each a tensor or arrays and plain objects of tensors, or by variables.
 * `fn` is traced: it gets tensors without data and must return a float32 scalar. Where that does not depend on an argument, the
 * gradient is 0. Gradients have gradients: `grad(grad(fn))`.
 *
 *     ops.grad(x => ops.sum(ops.square(x)))([1, 2, 3]) // [2, 4, 6]
 */
export const grad = /* @__PURE__ */ derive('grad', false) as Derive<false>

/** As `grad`, with the value in front: `[value, gradient]`. */
export const valueAndGrad = /* @__PURE__ */ derive('valueAndGrad', true) as Derive<true>

function derive(name: string, withValue: boolean) {
  return (fn: Differentiable, options: GradOptions = {}): unknown => {
    check(name, fn, options)
    return (...args: unknown[]) => differentiate(name, fn, options, args, withValue)
  }
}

/** x as it is, for gradients a constant. */
export function stopGradient<X extends Operand>(x: X): Like<X> {
  return operateOne('stopGradient', [x], ([x], trace) => trace.emit(Op.Stop, [x!], [])[0]!)
}

function check(name: string, fn: unknown, options: GradOptions): void {
  if (typeof fn !== 'function') throw mustBe(name, 'fn', 'a function', fn)
  if (!isPlain(options) || Object.keys(options).some(key => key !== 'variables' && key !== 'segment'))
    throw mustBe(name, 'options', '{ variables, segment }', options)
  const { variables, segment }: GradOptions = options
  if (variables && !(Array.isArray(variables) && variables.every(value => value instanceof Variable)))
    throw mustBe(name, 'variables', 'an array of variables', variables)
  if (segment != null && !(Number.isInteger(segment) && segment > 0))
    throw mustBe(name, 'segment', 'null or a number of steps', segment)
}

/** In the place of a leaf: finds its value among those of all. */
type Slot = (values: readonly unknown[]) => unknown

/** The gradient of `fn`, in the form that `grad` gives it, or its value and that. */
function differentiate(
  name: string,
  fn: Differentiable,
  { variables, segment }: GradOptions,
  args: readonly unknown[],
  withValue: boolean,
): unknown {
  const leaves: Operand[] = []
  // which argument each leaf is part of
  const roles: string[] = []
  const form = args.map((arg, i) =>
    mapLeaves(arg, leaf => {
      roles.push(`argument ${i + 1}`)
      const at = leaves.push(leaf as Operand) - 1
      return (values: readonly unknown[]) => values[at]
    }),
  )
  const fill = (values: readonly unknown[]) => form.map(arg => mapLeaves(arg, leaf => (leaf as Slot)(values)))
  const body = (operands: readonly SymbolicTensor[], trace: Trace) => {
    const given = operands.slice(0, leaves.length)
    const xs = variables
      ? operands.slice(leaves.length)
      : given.map((x, i) => renamed(x, trace, name, roles[i]!))
    const y: unknown = outOfOperation(() => fn(...(fill(variables ? given : xs) as never[])))
    const isScalar = y instanceof SymbolicTensor && y.rank === 0
    if (!isScalar) throw mustBe(name, 'the value of fn', 'a scalar', y, ShapeError)
    if (y.dtype !== 'float32') throw mustBe(name, 'the value of fn', 'float32', y.dtype)
    const [one] = trace.emit(Op.Fill, [], [kindOf('float32').code, bits(1), 0])
    const gradients = gradientsOf(trace, trace.own(y), one!, xs, Math.min(segment ?? 0, 2 ** 31 - 1))
    return [...gradients.map((gradient, i) => gradient ?? zerosLike(xs[i]!)), ...(withValue ? [y] : [])]
  }
  const made = operate(name, [...leaves, ...(variables ?? [])], body, [
    ...roles,
    ...(variables ?? []).map(variable => variable.name),
  ])
  const gradients = withValue ? made.slice(0, -1) : made
  const filled = variables ? gradients : fill(gradients)
  const gradient = !variables && filled.length === 1 ? filled[0] : filled
  return withValue ? [made.at(-1), gradient] : gradient
}

/** The gradients of y with `dy`; none for an x on which it does not depend. */
function gradientsOf(
  trace: Trace,
  y: TracedTensor,
  dy: TracedTensor,
  xs: readonly SymbolicTensor[],
  segment: number,
): (TracedTensor | undefined)[] {
  if (xs.length === 0) return []
  const { engine } = trace
  if (!('builder_gradient' in engine.raw))
    throw new UnsupportedError('layer-rnn/infer computes no gradients; import layer-rnn')
  const ids = xs.map(x => trace.own(x).id)
  const words = trace.send([1, y.id, dy.id, ids.length, ...ids, segment], 16 * ids.length)
  const count = engine.call('builder_gradient', trace.id, words)
  if (count === 0) {
    const { op = 'gradient', layer } = trace.origins[engine.operands[4]!] ?? {}
    throw layer ? named(engine.failure(op), layer) : engine.failure(op)
  }
  return trace.answered(count, [y.id], { op: 'gradient', layer: currentLayer() })
}

/** An argument under a name of its own, so that what `fn` finds elsewhere is not taken for it. */
function renamed(x: SymbolicTensor, trace: Trace, name: string, role: string): SymbolicTensor {
  if (x.dtype !== 'float32') throw mustBe(name, role, 'float32', x.dtype)
  const codes = x.shape.flatMap((_, axis) => [1, axis])
  const [value] = trace.emit(Op.Reshape, [x], [codes.length, ...codes])
  return x instanceof TracedTensor ? value!.withMask(x.mask) : value!
}
