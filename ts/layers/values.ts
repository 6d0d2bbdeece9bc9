/** Data that users give: told apart from structures, converted, checked. */
import { ArgumentError, named, ShapeError, show } from '../errors.js'
import { type ArrayLike, convert } from '../tensor/convert.js'
import { NdArray } from '../tensor/ndarray.js'
import type { Data, DType } from '../tensor/shape.js'
import { SymbolicTensor, Tensor, type Variable } from '../tensor/tensor.js'
import { isPlain, type Nested } from './structure.js'

/** Numbers of a known shape: nested arrays, a typed array, an NdArray or a tensor. */
export type Values = ArrayLike | Tensor

/** A tensor, or data outside the engine. */
export type Leaf = SymbolicTensor | NdArray<Data>

export function isLeaf(value: unknown): value is Leaf {
  return value instanceof SymbolicTensor || value instanceof NdArray
}

/** A list of tensors rather than nested numbers: one of its items is a tensor or an NdArray. */
export function isTensorList(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.some(isLeaf)
}

/** A tensor as it is, anything else as an NdArray. */
export function toLeaf(value: unknown, dtype?: DType): Leaf {
  if (isLeaf(value)) return value
  const { data, shape } = convert(value, { dtype })
  return new NdArray(data, shape)
}

/** The same in a list of tensors or an object of them. */
export function toLeaves(value: unknown, dtype?: DType): Nested<Leaf> {
  if (isTensorList(value)) return value.map(item => toLeaves(item, dtype))
  if (!isPlain(value)) return toLeaf(value, dtype)
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, toLeaves(item, dtype)]))
}

/** A mask, `[batch, time]`. */
export function toMask(layer: string, value: unknown): Leaf {
  const mask = toLeaf(value, 'bool')
  if (mask.shape.length > 1) return mask
  throw new ShapeError(`${layer}: a mask must be [batch, time], not ${show(mask.shape)}`, {
    layer,
    argument: 'mask',
    expected: [null, null],
    actual: mask.shape,
  })
}

/** Assigns all `values` to `variables`, or none: counts and shapes are checked first. */
export function assignAll(layer: string, variables: readonly Variable[], values: readonly Values[]): void {
  if (values.length !== variables.length) {
    throw new ArgumentError(`${layer} has ${variables.length} weights but was given ${values.length}`, {
      layer,
      argument: 'weights',
      expected: variables.length,
      actual: values.length,
    })
  }
  try {
    const converted = variables.map(({ shape, dtype, name }, i) => {
      const value = values[i]
      const { data } = convert(value instanceof Tensor ? value.read() : value, { shape, dtype, what: name })
      return new NdArray(data, shape)
    })
    variables.forEach((variable, i) => {
      variable.assign(converted[i]!)
    })
  } catch (error) {
    throw named(error, layer)
  }
}
