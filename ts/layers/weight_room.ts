/** Making weights, and how many may still be made: a file cannot ask for more than it holds. */
import { MemoryError, ShapeError, show } from '../errors.js'
import { getInitializer } from '../initializers/initializer.js'
import { nextKey } from '../ops/seed.js'
import { Variable } from '../tensor/tensor.js'
import type { WeightOptions } from './layer_options.js'
import { checkOptions, reject } from './options.js'
import { checkRules } from './stored.js'

const options: readonly (keyof WeightOptions)[] = [
  'shape',
  'initializer',
  'name',
  'dtype',
  'trainable',
  'regularizer',
  'constraint',
]

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

/** Counts a new weight. */
function takeRoom(layer: string, argument: string, shape: readonly number[]): void {
  const count = shape.reduce((total, size) => total * size, 1)
  const details = { layer, argument, actual: shape }
  room -= count
  if (room < 0)
    throw new ShapeError(
      `${layer}: ${argument} ${show(shape)} is larger than the weights that there are`,
      details,
    )
  // No engine has so much; its 32-bit numbers would not even hold the size.
  if (count >= 2 ** 30)
    throw new MemoryError(
      `${layer}: no memory for ${argument} ${show(shape)}, ${Math.ceil(count / 2 ** 28)} GiB`,
      details,
    )
}

/** Refuses what `addWeight` does not take. @internal */
export function checkWeight(layer: string, given: WeightOptions): void {
  checkOptions(layer, given, options, 'addWeight', 'shape, name')
  if (!Array.isArray(given.shape)) reject({ layer, argument: 'shape' }, 'an array of sizes', given.shape)
}

/** A weight as `addWeight` was asked for it. @internal */
export function newWeight(layer: string, name: string, options: WeightOptions): Variable {
  checkRules(layer, options)
  const shape = knownShape(layer, name, options.shape)
  takeRoom(layer, name, shape)
  const init = getInitializer(options.initializer ?? 'glorotUniform', { layer, argument: 'initializer' })
  const key = nextKey(`${layer}/${name}`)
  const { dtype = 'float32', trainable = true } = options
  return new Variable({ name, shape, dtype, trainable, initializer: () => init.draw(shape, key) })
}

/** The shape of a weight, which must be known. */
function knownShape(layer: string, name: string, shape: readonly (number | null | undefined)[]): number[] {
  return shape.map((size, axis) => {
    if (typeof size === 'number') return size
    const text = `${layer}: axis ${axis} of weight "${name}" is unknown; the input's shape must say it`
    throw new ShapeError(text, { layer, argument: name, actual: shape })
  })
}
