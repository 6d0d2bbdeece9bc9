/** Keras's layers that make one tensor of several, where files have them: sums, products, …, and joined along an axis. */
import { show, UnsupportedError } from '../../errors.js'
import { Layer } from '../../layers/layer.js'
import { type Field, type Fields, flag, number, reject, sparing } from '../../layers/options.js'
import type { BuiltinClass } from '../../layers/registry.js'
import {
  add,
  any,
  concatenate,
  divide,
  expandDims,
  logicalAnd,
  logicalOr,
  maximum,
  minimum,
  multiply,
  onesLike,
  subtract,
} from '../../ops/index.js'
import { TracedTensor } from '../../ops/trace.js'
import { axisOf } from '../../tensor/shape.js'
import type { SymbolicTensor } from '../../tensor/tensor.js'

type Fold = (a: SymbolicTensor, b: SymbolicTensor) => SymbolicTensor
type Inputs = readonly SymbolicTensor[]

/** All inputs, of the same sizes or sizes that broadcast behind the batch. */
abstract class Merge extends Layer {
  static readonly module: string = 'keras.layers'
  static override readonly fields: Fields = {
    /** Keras 2's rule: a step counts where it does in every input that has a mask; Keras 3's: in any, if all have one. */
    everyMask: sparing(flag(false)),
  }
  declare readonly $returns: 'same'
  declare readonly everyMask: boolean
  /** How many inputs it takes; 0: one or more. */
  readonly count: number = 0

  abstract merge(inputs: Inputs): SymbolicTensor

  override call(inputs: Inputs): SymbolicTensor {
    const { count, name: layer } = this
    const expected = count ? `${count} tensors` : 'a list of tensors'
    if (!Array.isArray(inputs) || (count && inputs.length !== count))
      return reject({ layer, argument: 'inputs' }, expected, Array.isArray(inputs) ? inputs.length : 1)
    return this.merge(inputs)
  }

  /** One mask of those that the inputs have. */
  override computeMask(inputs: SymbolicTensor | Inputs): SymbolicTensor | null {
    const masks = [inputs].flat().map(maskOf)
    const own = [...new Set(masks.filter(mask => mask !== undefined))]
    if (own.length === 0 || (masks.includes(undefined) && !this.everyMask)) return null
    return own.reduce(this.everyMask ? logicalAnd : logicalOr)
  }
}

const maskOf = (x: SymbolicTensor): SymbolicTensor | undefined =>
  x instanceof TracedTensor ? x.mask : undefined

/** The inputs with as many axes: Keras puts those that are missing behind the batch. */
function ranked(inputs: Inputs): Inputs {
  const rank = Math.max(...inputs.map(x => x.rank))
  return inputs.map(input => {
    let x = input
    while (x.rank < rank) x = expandDims(x, 1)
    return x
  })
}

function merging(className: string, fold: Fold, { inputs = 0, unmasked = false } = {}) {
  return class extends Merge {
    static override readonly className: string = className
    override readonly count: number = inputs
    override merge(inputs: Inputs): SymbolicTensor {
      if (unmasked && !this.everyMask && inputs.some(maskOf)) {
        const layer = this.name
        const text = `${layer}: masks of the inputs of ${className} are not supported: versions of Keras 3 differ in what they mean`
        throw new UnsupportedError(text, { layer, argument: 'mask' })
      }
      return ranked(inputs).reduce(fold)
    }
  }
}

const Add = merging('Add', add)

class Average extends Add {
  static override readonly className = 'Average'
  static override readonly module = 'keras.layers'
  override merge(inputs: Inputs): SymbolicTensor {
    return divide(super.merge(inputs), inputs.length)
  }
}

const axis: Field<number> = {
  ...number(-1),
  read: (value, place) =>
    Number.isInteger(value) && value !== 0
      ? (value as number)
      : reject(place, 'an axis behind the batch', value),
}

class Concatenate extends Merge {
  static override readonly className = 'Concatenate'
  static override readonly module = 'keras.layers'
  static override readonly fields: Fields = { ...Merge.fields, axis }
  declare readonly axis: number

  #axis(x: SymbolicTensor): number {
    return axisOf(this.axis, x.rank, this.name)
  }

  override merge(inputs: Inputs): SymbolicTensor {
    return concatenate(inputs, this.#axis(inputs[0]!))
  }

  override computeMask(given: SymbolicTensor | Inputs): SymbolicTensor | null {
    const inputs = [given].flat() as Inputs
    const masks = inputs.map(maskOf)
    if (masks.every(mask => mask === undefined)) return null
    const [first] = inputs
    const at = this.#axis(first!)
    const { name: layer } = this
    if (first!.rank !== 3) {
      const text = `${layer}: masks of inputs ${show(first!.shape)} are not supported, only of [batch, time, features]`
      throw new UnsupportedError(text, { layer, argument: 'mask' })
    }
    if (at === 2) return super.computeMask(inputs)
    // steps of inputs without a mask count, all of them
    const own = inputs.map((x, i) => masks[i] ?? any(onesLike(x, 'bool'), -1))
    return concatenate(own, 1)
  }
}

const Subtract = merging('Subtract', subtract, { inputs: 2 })
const Multiply = merging('Multiply', multiply, { unmasked: true })
const Maximum = merging('Maximum', maximum, { unmasked: true })
const Minimum = merging('Minimum', minimum, { unmasked: true })

// by name: a call inside the list would keep them all in every bundle
export const merges: readonly BuiltinClass[] = [
  Add,
  Average,
  Concatenate,
  Subtract,
  Multiply,
  Maximum,
  Minimum,
]

/** Whether a class of Keras is one of these. */
export const isMerge = (className: string): boolean => merges.some(each => each.className === className)
