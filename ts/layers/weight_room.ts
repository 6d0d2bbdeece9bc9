/** How many weights may still be made: a file cannot ask for more than it holds. */
import { ShapeError, show } from '../errors.js'

let room = Number.POSITIVE_INFINITY

/** Runs `fn`, in which all new weights together may have `most` numbers. @internal */
export function limitWeights<T>(most: number, fn: () => T): T {
  const outer = room
  room = Math.min(outer, most)
  try {
    return fn()
  } finally {
    room = outer
  }
}

/** Counts a new weight. @internal */
export function takeRoom(layer: string, argument: string, shape: readonly number[]): void {
  room -= shape.reduce((total, size) => total * size, 1)
  if (room >= 0) return
  throw new ShapeError(`${layer}: ${argument} ${show(shape)} is larger than the weights that there are`, {
    layer,
    argument,
    actual: shape,
  })
}
