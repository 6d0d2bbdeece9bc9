/** The base of recurrent cells: one step, `call(inputs, states) -> [output, newStates]`. */
import { Layer } from '../layers/layer.js'
import type { LayerOptions } from '../layers/layer_options.js'
import { mapNested } from '../layers/structure.js'
import type { Shape } from '../tensor/shape.js'

/** The size of one state, or arrays and objects of sizes. */
export type StateSize = number | readonly StateSize[] | { readonly [name: string]: StateSize }

export abstract class RNNCell<S extends StateSize = StateSize> extends Layer {
  /** Units of the state, in the structure in which `call` takes and returns states. */
  declare stateSize: S
  /** Units of the output. */
  declare outputSize: number

  constructor(options: LayerOptions = {}) {
    super(options)
  }

  /** One step: the output and the new states for `inputs` `[batch, features]`. */
  // biome-ignore lint/suspicious/noExplicitAny: cells annotate their inputs and states themselves
  abstract override call(inputs: any, states: any, ...rest: any[]): readonly unknown[]
}

/** The shapes of the states behind `stateSize`: `[batch, units]` each, depth first. */
export function stateShapes(stateSize: StateSize): Shape[] {
  const shapes: Shape[] = []
  mapNested(stateSize, size => shapes.push([null, size as number]))
  return shapes
}

/** A stack of one is the cell itself: the list of a cell's or a stack's state structures. */
export function stateList(stateSize: StateSize): readonly StateSize[] {
  return Array.isArray(stateSize) ? stateSize : [stateSize]
}
