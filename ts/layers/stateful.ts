/** The states that layers with `stateful: true` carry from one call to the next. */
import type { Cell } from '../cells/cell.js'
import { type Disposes, scope } from '../engine/handle.js'
import { zeros } from '../ops/index.js'
import { Trace } from '../ops/trace.js'
import type { NdArray } from '../tensor/ndarray.js'
import type { Data } from '../tensor/shape.js'
import { type SymbolicTensor, type Tensor, Variable } from '../tensor/tensor.js'
import { undoing } from './attempt.js'
import type { Reset } from './reset.js'
import { allFirstStates } from './sequence.js'
import { type Stateful, splitStates } from './states.js'
import { numbersOf } from './values.js'

/** The carried states of one layer. */
export class CarriedStates implements Disposes {
  readonly #layer: Stateful
  readonly #first: readonly NdArray<Data>[]
  readonly #variables: readonly Variable[]

  /** For a batch of this size, of steps of this shape. */
  constructor(layer: Stateful & { cell: Cell }, batch: number, step: readonly (number | null)[]) {
    this.#layer = layer
    this.#first = Trace.outside(() =>
      scope(() => {
        const inputs = zeros([batch, 1, ...step.map(size => size ?? 1)])
        return allFirstStates(layer.cell, inputs).map(state => (state as Tensor).read<Data>())
      }),
    )
    this.#variables = this.#first.map((value, i) => {
      const { shape, dtype } = value
      const options = { name: `state ${i}`, shape, dtype, trainable: false }
      const variable = new Variable({ ...options, initializer: () => value })
      undoing(() => variable.dispose())
      return variable
    })
  }

  /** What a call starts from. */
  get current(): readonly SymbolicTensor[] {
    return this.#variables
  }

  /** Says what the next call starts from. */
  carry(states: readonly SymbolicTensor[]): void {
    // of a batch that is this one in every run
    this.#variables.forEach((variable, i) => {
      Trace.current()!.say(variable, states[i]!)
    })
  }

  read(): NdArray<Data>[] {
    return this.#variables.map(variable => variable.read())
  }

  /** What sets all states to `values`, by default to what they were first; nothing is changed yet. */
  resets(values?: unknown): Reset[] {
    const { name } = this.#layer
    const batch = this.#variables[0]?.shape[0] ?? null
    const given =
      values === undefined || values === null
        ? this.#first
        : splitStates(this.#layer, 'states', values, batch)
    return this.#variables.map((variable, i): Reset => {
      const { shape, dtype } = variable
      return [variable, numbersOf(name, 'states', given[i], { shape, dtype, what: `state ${i}` }).data]
    })
  }

  get disposed(): boolean {
    return this.#variables.every(({ disposed }) => disposed)
  }

  dispose(): void {
    for (const variable of this.#variables) variable.dispose()
  }
}
