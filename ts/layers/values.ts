/** Data that users give: told apart from structures, converted, checked. */
import { ArgumentError, LayerRnnError, named, ShapeError, show } from '../errors.js'
import { type ArrayLike, type ConvertOptions, convert, type Values as Numbers } from '../tensor/convert.js'
import { arrayIn, isArray, NdArray } from '../tensor/ndarray.js'
import { type Data, type DType, fits, type Shape } from '../tensor/shape.js'
import { SymbolicTensor, Tensor, type Variable } from '../tensor/tensor.js'
import { reject } from './options.js'
import { isPlain, leaves, mapValues, type Nested } from './structure.js'

/** Numbers of a known shape: nested arrays, a typed array, an NdArray or a tensor. */
export type Values = ArrayLike | Tensor

/** A tensor, or data outside the engine. */
export type Leaf = SymbolicTensor | NdArray<Data>

export function isLeaf(value: unknown): value is Leaf {
  return value instanceof SymbolicTensor || value instanceof NdArray
}

/** Whether users may give it as a tensor: an array that was posted is made anew by `toLeaf`. */
export function isTensorLike(value: unknown): boolean {
  return value instanceof SymbolicTensor || isArray(value)
}

/** A list of tensors rather than nested numbers: there is a tensor or an NdArray in it, or in a list or object of it. */
export function isTensorList(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.some(hasLeaf)
}

const hasLeaf = (value: unknown): boolean =>
  isTensorLike(value) || isTensorList(value) || (isPlain(value) && Object.values(value).some(hasLeaf))

/** The numbers of an argument; the error of what is wrong with them names the layer and the argument. */
export function numbersOf(
  layer: string,
  argument: string,
  value: unknown,
  { what = argument, ...form }: ConvertOptions = {},
): Numbers {
  try {
    return convert(value instanceof Tensor ? value.read() : value, { ...form, what })
  } catch (error) {
    if (error instanceof LayerRnnError) Object.assign(error, { argument })
    throw named(error, layer)
  }
}

/** A tensor as it is, anything else as an NdArray. */
export function toLeaf(layer: string, argument: string, value: unknown, dtype: DType, what?: string): Leaf {
  const leaf = arrayIn(value) ?? value
  if (isLeaf(leaf)) return leaf
  const { data, shape } = numbersOf(layer, argument, value, { dtype, what })
  return new NdArray(data, shape)
}

/** Constants of a recurrent layer: a list of tensors, arrays and numbers, or one tensor or number. */
export function toConstants(layer: string, value: unknown): unknown[] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value) && (value.length === 0 || isTensorList(value))) return value
  if (isTensorLike(value) || isValues(value)) return [value]
  // an array is a list, never one constant
  if (Array.isArray(value) && value.every(item => Array.isArray(item) || isValues(item))) return value
  return reject({ layer, argument: 'constants' }, 'a list of tensors, arrays or numbers', value)
}

const isValues = (value: unknown) => typeof value === 'number' || ArrayBuffer.isView(value)

/** Inputs of a layer: the same in a list of tensors or an object of them. */
export function toLeaves(layer: string, value: unknown, dtype: DType): Nested<Leaf> {
  const inner = (item: unknown) => toLeaves(layer, item, dtype)
  if (isTensorList(value)) return value.map(inner)
  if (!isPlain(value)) return toLeaf(layer, 'inputs', value, dtype)
  return mapValues(value, inner)
}

/** A mask, `[batch, time]` (or more of the inputs' axes before the last), for these inputs. */
export function toMask(layer: string, value: unknown, inputs: Nested<Leaf>): Leaf {
  const mask = toLeaf(layer, 'mask', value, 'bool')
  const shape = leaves(inputs)[0]?.shape ?? []
  const axes = Math.max(2, Math.min(mask.shape.length, shape.length - 1))
  const steps = shape.length > 2 ? shape.slice(0, axes) : undefined
  if (steps ? fits(steps, mask.shape) : mask.shape.length > 1) return mask
  const expected = `[batch, time]${steps ? `, here ${show(steps)}` : ''}`
  return reject({ layer, argument: 'mask' }, expected, mask.shape, ShapeError)
}

/** Refuses sequences without a step. */
export function checkSteps(layer: string, shape: Shape, axis = 1): void {
  if (shape[axis] === 0)
    reject({ layer, argument: 'inputs' }, 'sequences of at least one time step', shape, ShapeError)
}

/** Assigns all `values` to `variables`, or none: counts and shapes are checked first. */
export function assignAll(layer: string, variables: readonly Variable[], values: readonly Values[]): void {
  const given = Array.isArray(values) ? values.length : show(values)
  if (given !== variables.length) {
    throw new ArgumentError(`${layer} has ${variables.length} weights but was given ${given}`, {
      layer,
      argument: 'weights',
      expected: variables.length,
      actual: given,
    })
  }
  const converted = variables.map(({ shape, dtype, name }, i) => {
    const { data } = numbersOf(layer, 'weights', values[i], { shape, dtype, what: name })
    return new NdArray(data, shape)
  })
  variables.forEach((variable, i) => {
    variable.set(converted[i]!)
  })
}
