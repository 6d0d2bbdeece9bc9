/** The base of recurrent cells: one step, `call(inputs, states) -> [output, newStates]`. */
import { UnsupportedError } from '../errors.js'
import { Layer } from '../layers/layer.js'
import type { LayerOptions } from '../layers/layer_options.js'
import type { Tensor } from '../tensor/tensor.js'

/** The size of one state, or arrays and objects of sizes. */
export type StateSize = number | readonly StateSize[] | { readonly [name: string]: StateSize }

/** A cell whose states have the structure `S`, a tensor for each: `RNNCell<[Tensor, Tensor]>`. */
export abstract class RNNCell<S = Tensor[]> extends Layer {
  /** For types only: the states. */
  declare readonly $states: S
  /** Units of the states, in their structure; a list of states is an array. */
  declare stateSize: StateSize
  /** Units of the output. */
  declare outputSize: number

  constructor(options: LayerOptions = {}) {
    super(options)
  }

  /** A cell alone is not applied: a layer runs it, `new RNN({ cell })`. */
  override apply(..._: unknown[]): never {
    throw new UnsupportedError(`${this.name}: a cell is run by a layer, as new RNN({ cell })`, {
      layer: this.name,
    })
  }

  /**
   * One step for `inputs` `[batch, features]`: the output and the new states. A cell with one state takes and returns
   * it in a list.
   */
  // biome-ignore lint/suspicious/noExplicitAny: cells annotate their inputs and states themselves
  abstract override call(inputs: any, states: any, ...rest: any[]): readonly unknown[]
}

/** The entries of a list of states; what is no list is the only entry. */
export function stateList<T>(structure: T | readonly T[]): readonly T[] {
  return Array.isArray(structure) ? structure : [structure as T]
}
