/** States from outside: what a user gives as initial states, and those that a stream keeps. */

import { ArgumentError, ShapeError, show, UnsupportedError } from '../errors.js'
import { KerasTensor } from '../models/graph.js'
import { TracedTensor } from '../ops/trace.js'
import { type DType, fits, isWholeShape, type Shape } from '../tensor/shape.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import { type StateSize, stateShapes } from './state_size.js'
import { isPlain } from './structure.js'
import { isTensorLike, type Leaf, toLeaf } from './values.js'

/** What has states: a recurrent layer. */
export interface Stateful {
  readonly name: string
  readonly stateSize: StateSize
}

/**
 * The states in `value`, flat and checked: a structure like `stateSize`, a flat list, or for one state
 * the state itself. Never broadcast. A batch that is not known is null.
 */
export function matchStates(layer: Stateful, value: unknown, batch: number | null = null): Leaf[] {
  const argument = 'initialState'
  const sizes = stateShapes(layer.stateSize)
  const found = splitStates(layer, argument, value, batch)
  const states = found.map((state, i) => toLeaf(layer.name, argument, state, 'float32', `initial state ${i}`))
  states.forEach((state, i) => {
    const { shape } = state
    const expected = [batch, ...sizes[i]!]
    if (fits(expected, shape)) return
    throw new ShapeError(
      `${layer.name}: initial state ${i} must be ${shapeText(batch, sizes[i]!)}, not ${show(shape)}`,
      { layer: layer.name, argument, expected, actual: shape },
    )
  })
  return states
}

/** Initial states and constants are all connected in the model, as in Keras, or all data. */
export function checkMixed(
  layer: string,
  given: Record<'initialState' | 'constants', readonly Leaf[]>,
): void {
  const kinds = Object.entries(given).flatMap(([argument, values]) =>
    values.map(value => ({ argument, symbolic: value instanceof KerasTensor })),
  )
  const odd = kinds.find(({ symbolic }) => symbolic !== kinds[0]!.symbolic)
  if (!odd) return
  const { argument } = odd
  const text = `${layer}: symbolic and concrete states and constants cannot be mixed`
  throw new ArgumentError(text, { layer, argument })
}

/** The states in `value`, flat, each as it was given. */
export function splitStates(
  { name: layer, stateSize }: Stateful,
  argument: string,
  value: unknown,
  batch: number | null,
): unknown[] {
  const sizes = stateShapes(stateSize)
  const count = sizes.length
  const found = structured(stateSize, value) ?? flat(sizes, value)
  if (found) return found
  const given = Array.isArray(value) || isPlain(value) ? Object.keys(value).length : 1
  const shapes = sizes.map(size => shapeText(batch, size)).join(' and ')
  const message =
    given === count
      ? `${layer}: ${argument} must have the shapes ${shapes}, not ${show(value)}`
      : `${layer} has ${count} ${count === 1 ? 'state' : 'states'} but was given ${given}: ${argument} must have the shapes ${shapes}`
  throw new ArgumentError(message, { layer, argument, expected: shapes, actual: value })
}

const shapeText = (batch: number | null, size: Shape) => `[${[batch ?? 'batch', ...size].join(', ')}]`

/** The leaves of `value` when it has the structure of `size`. */
function structured(size: StateSize, value: unknown): unknown[] | undefined {
  if (typeof size === 'number' || isWholeShape(size))
    return isState(value, typeof size === 'number' ? [size] : size) ? [value] : undefined
  const names = Object.keys(size)
  if (Array.isArray(size) ? !Array.isArray(value) : !isPlain(value)) return undefined
  if (Object.keys(value as object).length !== names.length) return undefined
  const found: unknown[] = []
  for (const name of names) {
    const inner = structured(
      (size as Record<string, StateSize>)[name]!,
      (value as Record<string, unknown>)[name],
    )
    if (!inner) return undefined
    found.push(...inner)
  }
  return found
}

function flat(sizes: readonly Shape[], value: unknown): unknown[] | undefined {
  if (!Array.isArray(value)) return undefined
  return value.length === sizes.length && value.every((state, i) => isState(state, sizes[i]!))
    ? value
    : undefined
}

/** A tensor, an NdArray, numbers `[batch, ...]` in nested arrays, or bare numbers. */
function isState(value: unknown, { length }: Shape): boolean {
  if (isTensorLike(value) || ArrayBuffer.isView(value)) return true
  const isRow = (row: unknown, depth: number): boolean =>
    isNumbers(row) || (depth > 0 && Array.isArray(row) && row.every(item => isRow(item, depth - 1)))
  return Array.isArray(value) && isRow(value, length + 1)
}

const isNumbers = (value: unknown) => typeof value !== 'object' || ArrayBuffer.isView(value)

/** In a trace of a stream: the states as they were before this call, and what keeps those after it. */
export interface RowStates {
  before: TracedTensor[]
  /**
   * One more thing that each row keeps, zeros at first, or the trace's start of the number `start`. Without an assignment when it is
   * what the state `repeats` will be.
   */
  more(type: { shape: Shape; dtype: DType }, how?: { start?: number; repeats?: TracedTensor }): TracedTensor
  after(states: readonly SymbolicTensor[]): void
}

const calls = new WeakMap<object, Map<object, number>>()

/** In a trace of a stream: whether a tensor comes step by step. Its time is the only size that is not known there. */
export function isTimed({ shape }: SymbolicTensor): boolean {
  return shape.length > 1 && shape[1] === null
}

/**
 * The states that a stream keeps for this call of `layer`; undefined outside a stream, and for inputs that do not come step by
 * step. `start` is what they are before the first step: it must be the same in all.
 */
export function rowStates(
  layer: Stateful,
  inputs: SymbolicTensor,
  start: readonly SymbolicTensor[] = [],
): RowStates | undefined {
  if (!(inputs instanceof TracedTensor && isTimed(inputs))) return undefined
  const { trace } = inputs
  if (trace.phase !== 'stream' && trace.phase !== 'start') return undefined
  const call = countCall(trace, layer)
  const first = trace.starts.length
  trace.starts.push(...start)
  if (trace.phase === 'start') return undefined
  if (start.some(value => trace.isStepped(value))) {
    throw new UnsupportedError(
      `${layer.name} cannot stream with an initialState that comes from the steps, only from inputs that are given once, with stream({ inputs })`,
      { layer: layer.name, argument: 'initialState' },
    )
  }
  const named = (index: number) => `${call}/${index}`
  const row = (index: number, shape: Shape, rest: { dtype?: DType; start?: number; repeats?: string }) => {
    const known = shape.filter(size => size !== null)
    if (known.length === shape.length) return trace.rowState(layer, named(index), known, rest)
    const size = show([null, ...shape])
    throw new UnsupportedError(`${layer.name} cannot stream with states or outputs ${size} of unknown size`, {
      layer: layer.name,
    })
  }
  const before = stateShapes(layer.stateSize).map((shape, i) =>
    row(i, start[i]?.shape.slice(1) ?? shape, {
      dtype: start[i]?.dtype,
      start: start[i] && first + i,
    }),
  )
  let count = before.length
  return {
    before,
    more: ({ shape, dtype }, { start, repeats } = {}) =>
      row(count++, shape.slice(1), { dtype, start, repeats: repeats && named(before.indexOf(repeats)) }),
    after(states) {
      for (const [i, state] of before.entries()) trace.assign(state, states[i]!)
    },
  }
}

/** How often `layer` was called before in this trace: each call has states of its own. */
function countCall(trace: object, layer: object): number {
  const counts = calls.get(trace) ?? new Map<object, number>()
  calls.set(trace, counts)
  const count = counts.get(layer) ?? 0
  counts.set(layer, count + 1)
  return count
}
