/** Loops and choices inside programs: functions of tensors, each traced once. */
import { mustBe, ShapeError, show } from '../errors.js'
import { isPlain } from '../plain.js'
import { fits } from '../tensor/shape.js'
import { SymbolicTensor, type Tensor } from '../tensor/tensor.js'
import { full } from './creation.js'
import { where } from './elementwise.js'
import { isNumbers, type Leaves, mapLeaves } from './leaves.js'
import { type Operand, operate } from './operation.js'
import { outOfOperation } from './public_op.js'
import { flip } from './shaping.js'
import { steps } from './steps.js'
import type { Trace } from './trace.js'

export interface ScanOptions {
  /** The number of steps; needed without `xs`, otherwise that of `xs`. */
  length?: number | null
  /** From the last step to the first; each `y` stays at the place of its `x`. Default false. */
  reverse?: boolean
}

/**
 * `f(carry, x) -> [carry, y]` over axis 0 of `xs`, from `init`: the last carry, and all `y` stacked. Carry, `xs` and `y` are tensors, or
 * arrays and plain objects of such; the carry keeps its form, shapes and dtypes. `f` is run once, with tensors that have no numbers yet;
 * what it reads from outside is the same at every step.
 *
 *     ops.scan((sum, x) => [ops.add(sum, x), sum], 0, [1, 2, 3]) // [6, [0, 1, 3]]
 */
export function scan<C, X = null, Y = unknown>(
  f: (carry: Leaves<C, Tensor>, x: Leaves<X, Tensor>) => readonly [unknown, Y],
  init: C,
  xs?: X,
  options: ScanOptions = {},
): [carry: Leaves<C, Tensor>, ys: Leaves<Y, Tensor>] {
  const { length, reverse = false } = options
  if (typeof f !== 'function') throw mustBe('scan', 'f', 'a function', f)
  if (typeof reverse !== 'boolean') throw mustBe('scan', 'reverse', 'a boolean', reverse)
  const [sequences, start] = [flat(xs), flat(init)] as Operand[][] as [Operand[], Operand[]]
  const given = sequences.length
  if (given === 0 && length == null) throw mustBe('scan', 'length', 'given where there are no xs', length)
  let form: unknown
  const body = (values: readonly SymbolicTensor[], trace: Trace) => {
    const operands = values.slice(0, given)
    for (const [i, x] of operands.entries()) {
      if (!fits([length ?? null], x.shape.slice(0, 1)))
        throw mustBe('scan', `xs ${i}`, `[${length ?? 'length'}, …]`, x.shape, ShapeError)
    }
    if ((given > 0 ? operands[0]!.shape[0] : length) === 0)
      throw mustBe('scan', 'length', 'at least 1', 0, ShapeError)
    const states = values.slice(given).map(value => trace.own(value))
    const result = steps({
      trace,
      cell: 'scan',
      inputs: given > 0 ? operands : [full([length!], 0)],
      states,
      shared: true,
      backward: reverse,
      all: true,
      step(inputs, before) {
        const made: unknown = outOfOperation(() => f(fill(init, before) as never, fill(xs, inputs) as never))
        if (!(Array.isArray(made) && made.length === 2))
          throw mustBe('scan', 'the value of f', '[carry, y]', made)
        form = made[1]
        const next = matched(init, made[0])
        const same = next.length === before.length && flat(made[0]).length === before.length
        if (!(same && next.every(value => value instanceof SymbolicTensor)))
          throw mustBe('scan', 'the new carry', `of the form ${show(fill(init, before))}`, made[0])
        next.forEach((value, i) => {
          const { shape, dtype } = before[i]!
          const kept = value as SymbolicTensor
          if (!(kept.dtype === dtype && fits(shape, kept.shape)))
            throw mustBe('scan', 'the new carry', show(before[i]), kept, ShapeError)
        })
        return { outputs: flat(form).map(y => tensor('scan', 'y', y)), states: next as SymbolicTensor[] }
      },
    })
    return [...result.states, ...result.outputs.map(y => (reverse ? flip(y, 0) : y))]
  }
  const names = [...sequences.map((_, i) => `xs ${i}`), ...start.map((_, i) => `init ${i}`)]
  const results = operate('scan', [...sequences, ...start], body, names)
  return [
    fill(init, results) as Leaves<C, Tensor>,
    fill(form, results.slice(start.length)) as Leaves<Y, Tensor>,
  ]
}

/**
 * What `trueFn()` returns if `pred`, a scalar, is true, else what `falseFn()` does: tensors, or arrays and plain objects of such, the same
 * form, shapes and dtypes in both. Both are computed, whatever `pred` is, and one is chosen; so is what they assign to variables.
 */
export function cond<P extends Operand, A, B extends Leaves<A, SymbolicTensor>>(
  pred: P,
  trueFn: () => A,
  falseFn: () => B,
): Leaves<A, Tensor> {
  let form: unknown
  const body = ([chosen]: readonly SymbolicTensor[], trace: Trace) => {
    if (chosen!.rank > 0) throw mustBe('cond', 'pred', 'a scalar', chosen, ShapeError)
    const branch = (fn: () => unknown) => trace.apart(() => outOfOperation(fn))
    const [{ value: yes, said }, { value: no, said: saidElse }] = [branch(trueFn), branch(falseFn)]
    for (const variable of new Set([...said.keys(), ...saidElse.keys()]))
      trace.say(variable, where(chosen!, said.get(variable) ?? variable, saidElse.get(variable) ?? variable))
    trace.settle()
    form = yes
    const others = matched(yes, no)
    if (flat(no).length !== others.length || others.some(each => each == null))
      throw mustBe('cond', 'the value of falseFn', `of the form ${show(yes)}`, no)
    return flat(yes).map((value, i) => {
      const [a, b] = [value, others[i]].map(each => tensor('cond', 'a value', each)) as [
        SymbolicTensor,
        SymbolicTensor,
      ]
      if (!(a.dtype === b.dtype && a.rank === b.rank && fits(a.shape, b.shape)))
        throw mustBe('cond', 'the value of falseFn', show(a), b, ShapeError)
      return where(chosen!, a, b)
    })
  }
  const results = operate('cond', [pred], body, ['pred'])
  return fill(form, results) as Leaves<A, Tensor>
}

/** The leaves, without nulls. */
function flat(value: unknown): unknown[] {
  const found: unknown[] = []
  mapLeaves(value, leaf => leaf == null || found.push(leaf))
  return found
}

/** The form with other leaves. */
function fill(form: unknown, values: readonly unknown[]): unknown {
  let next = 0
  return mapLeaves(form, leaf => (leaf == null ? null : values[next++]))
}

/** The leaves of `value` in the order of those of `form`. */
function matched(form: unknown, value: unknown): unknown[] {
  if (form == null) return []
  if (!isPlain(form) && (!Array.isArray(form) || isNumbers(form))) return [value]
  return Object.entries(form).flatMap(([key, part]) =>
    matched(part, (value as Record<string, unknown> | null)?.[key]),
  )
}

function tensor(op: string, what: string, value: unknown): SymbolicTensor {
  if (value instanceof SymbolicTensor) return value
  throw mustBe(op, what, 'made of tensors', value)
}
