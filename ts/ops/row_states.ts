/** What the rows of a stream keep, by owner and name. */
import { TraceError } from '../errors.js'
import type { RowState } from './program.js'
import type { TracedTensor } from './traced_tensor.js'

interface Kept {
  state: RowState
  value: TracedTensor
}

export class RowStateList {
  readonly #known = new Map<object, Map<string, Kept>>()

  /** The same owner and name give the same. */
  get(owner: object, name: string, make: () => Kept): TracedTensor {
    const states = this.#known.get(owner) ?? new Map<string, Kept>()
    this.#known.set(owner, states)
    const kept = states.get(name) ?? make()
    states.set(name, kept)
    return kept.value
  }

  /** All of them; a TraceError if one is never assigned. */
  finished(assigned: (value: TracedTensor) => boolean): RowState[] {
    return [...this.#known.values()].flatMap(states =>
      [...states.values()].map(({ state, value }) => {
        if (assigned(value) || state.repeats !== undefined) return state
        throw new TraceError(`the row state ${state.name} is never assigned`)
      }),
    )
  }
}
