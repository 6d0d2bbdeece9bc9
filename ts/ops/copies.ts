/** Engines whose programs read tensors of other engines as copies. */
import type { Engine } from '../engine/engine.js'
import { within } from '../engine/handle.js'
import { fromValues, type Tensor } from '../tensor/tensor.js'

const copies = new WeakMap<Engine, Map<Tensor, Tensor>>()

/**
 * While `fn` runs, what programs of the engine read of others is copied there: once, as it then is. `fn` is given the copies, each under
 * the tensor that it was made of.
 */
export function copying<T>(engine: Engine, fn: (made: ReadonlyMap<Tensor, Tensor>) => T): T {
  const made = new Map<Tensor, Tensor>()
  copies.set(engine, made)
  try {
    return fn(made)
  } finally {
    copies.delete(engine)
  }
}

/** The copy of a tensor of another engine, where copies are made. */
export function copyIn(engine: Engine, tensor: Tensor): Tensor | undefined {
  const made = copies.get(engine)
  if (!made || made.has(tensor)) return made?.get(tensor)
  const { shape, dtype } = tensor
  const copy = within({}, () => fromValues(engine, { data: tensor.data(), shape, dtype }))
  made.set(tensor, copy)
  return copy
}
