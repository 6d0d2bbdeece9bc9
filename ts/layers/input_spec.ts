/** What a layer expects of its inputs is checked before it is built or called. */
import { ArgumentError, ShapeError, show } from '../errors.js'
import { isSize, type Shape } from '../tensor/shape.js'
import type { Layer } from './layer.js'
import type { InputSpec } from './layer_options.js'
import { reject } from './options.js'
import { isPlain, leaves, mapValues, type Nested } from './structure.js'
import { isLeaf, type Leaf } from './values.js'

/** Checks the inputs of a call, of which `first` is the first tensor. */
export function checkInputs(layer: Layer, inputs: unknown, first: Leaf | undefined): void {
  const { inputSpec: spec, name } = layer
  const place = { layer: name, argument: 'inputs' }
  if (!first) reject(place, 'numbers or a tensor', inputs)
  checkGiven(layer, first.shape)
  if (!spec) return
  if (takesOne(layer) && !isLeaf(inputs)) reject(place, 'one tensor', inputs)
  for (const { shape } of spec.several ? leaves(inputs as Nested<Leaf>) : [first])
    checkAxes(layer, spec, shape)
}

function checkAxes({ name: layer }: Layer, spec: InputSpec, shape: Shape): void {
  const fail = (expected: string): never => {
    const text = `${layer} needs inputs with ${expected}, not ${show(shape)}`
    throw new ShapeError(text, { layer, argument: 'inputs', expected, actual: shape })
  }
  if (spec.ndim !== undefined && shape.length !== spec.ndim) {
    const what = spec.ndim === 3 ? ', [batch, time, features]' : ''
    const lost = what && shape.length === 2 && shape[0] === null
    fail(`${spec.ndim} axes${what}${lost ? ' (the layer before gives them with returnSequences: true)' : ''}`)
  }
  if (spec.minNdim !== undefined && shape.length < spec.minNdim) fail(`at least ${spec.minNdim} axes`)
  for (const [axis, size] of Object.entries(spec.axes ?? {})) {
    const actual = shape.at(Number(axis))
    if (actual !== size && actual !== null) fail(`${size} in axis ${axis}`)
  }
}

/** Checks an input against the sizes that the layer's own options say: the batch, and the others from the last axis. */
function checkGiven({ name: layer, givenShape: given }: Layer, shape: Shape): void {
  const agrees = (size: number | null | undefined, i: number, all: Shape) => {
    const actual = i === 0 ? shape[0] : i > all.length - shape.length ? shape.at(i - all.length) : null
    return size == null || actual == null || size === actual
  }
  if (!given || given.every(agrees)) return
  const text = `${layer} needs inputs ${show(given)}, as its batchInputShape says, not ${show(shape)}`
  throw new ShapeError(text, { layer, argument: 'batchInputShape', expected: given, actual: shape })
}

/** Checks the shape that a layer is built for: of one input, or of several in a list or an object. */
export function checkShape(layer: Layer, shape: unknown): void {
  if (isShape(shape)) {
    checkGiven(layer, shape)
    return
  }
  if (!takesOne(layer) && isShapes(shape)) return
  reject(
    { layer: layer.name, argument: 'inputShape' },
    'an array of sizes, null where unknown',
    shape,
    ArgumentError,
  )
}

/** Whether it says how many axes its input has: then there is one input. */
const takesOne = ({ inputSpec: spec }: Layer) =>
  !spec?.several && (spec?.ndim !== undefined || spec?.minNdim !== undefined)

export const isShape = (value: unknown): value is Shape =>
  Array.isArray(value) && value.every(size => size === null || isSize(size))

/** The same structure with every shape mapped. */
export function mapShapes<T>(shapes: unknown, map: (shape: Shape) => T): Nested<T> {
  if (isShape(shapes)) return map(shapes)
  if (Array.isArray(shapes)) return shapes.map(each => mapShapes(each, map))
  return mapValues(shapes as Record<string, unknown>, each => mapShapes(each, map))
}

function isShapes(value: unknown): boolean {
  const parts = Array.isArray(value) ? value : isPlain(value) ? Object.values(value) : []
  return parts.length > 0 && parts.every(part => isShape(part) || isShapes(part))
}
