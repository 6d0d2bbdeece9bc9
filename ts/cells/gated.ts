/** What the built-in cells share: their weights, whose columns are gates side by side, and dropout. */
import { type ActivationLike, activation } from '../activations.js'
import { StateError } from '../errors.js'
import { type Drawing, type InitializerLike, initializer } from '../initializers/initializer.js'
import { seed } from '../initializers/kinds.js'
import type { LayerOptions } from '../layers/layer_options.js'
import { type Fields, flag, rate } from '../layers/options.js'
import { stateShapes } from '../layers/state_size.js'
import {
  type ConstraintLike,
  constraint,
  type RegularizerLike,
  regularizer,
  type Stored,
} from '../layers/stored.js'
import { leaves, type Nested } from '../layers/structure.js'
import type { StateList } from '../layers/types.js'
import { onceIn } from '../ops/cell_call.js'
import { concatenate, linear, multiply, type Sizes, shape, split } from '../ops/index.js'
import type { SeedGenerator } from '../ops/seed_generator.js'
import type { Shape } from '../tensor/shape.js'
import type { SymbolicTensor, Variable } from '../tensor/tensor.js'
import { dropoutMask, RNNCell } from './cell.js'

/** Options of the built-in cells. Regularizers, constraints and dropout are kept; they act in training. */
export interface GatedCellOptions extends LayerOptions {
  /** Default `'tanh'`; null is linear. With a function of its own, a cell is computed with ops. */
  activation?: ActivationLike | null
  /** Default true. */
  useBias?: boolean
  /** Default `'glorotUniform'`. */
  kernelInitializer?: InitializerLike
  /** Default `'orthogonal'`. */
  recurrentInitializer?: InitializerLike
  /** Default `'zeros'`. */
  biasInitializer?: InitializerLike
  kernelRegularizer?: RegularizerLike
  recurrentRegularizer?: RegularizerLike
  biasRegularizer?: RegularizerLike
  kernelConstraint?: ConstraintLike
  recurrentConstraint?: ConstraintLike
  biasConstraint?: ConstraintLike
  /** Share of the inputs that training drops. Default 0. */
  dropout?: number
  /** Share of the state that training drops. Default 0. */
  recurrentDropout?: number
  seed?: number | null
}

export const gatedFields: Fields = {
  activation: activation('tanh'),
  useBias: flag(true),
  kernelInitializer: initializer('glorotUniform'),
  recurrentInitializer: initializer('orthogonal'),
  biasInitializer: initializer('zeros'),
  kernelRegularizer: regularizer(),
  recurrentRegularizer: regularizer(),
  biasRegularizer: regularizer(),
  kernelConstraint: constraint(),
  recurrentConstraint: constraint(),
  biasConstraint: constraint(),
  dropout: rate(0),
  recurrentDropout: rate(0),
  seed,
}

/** What training multiplies inputs and state with, the same at every step: one mask, or one for each gate. */
export interface DropoutMasks {
  x?: readonly SymbolicTensor[]
  h?: readonly SymbolicTensor[]
}

/** Options of a step; masks are drawn where none are given. */
export interface StepOptions {
  training?: boolean
  masks?: DropoutMasks
}

/** A product of inputs and weights. */
export type Product = (
  x: SymbolicTensor,
  kernel: SymbolicTensor,
  bias?: SymbolicTensor | null,
) => SymbolicTensor

/** `x·kernel + bias`, whose gates, side by side along `axis`, may see `x` through masks of their own. */
export function product(
  x: SymbolicTensor,
  kernel: SymbolicTensor,
  bias?: SymbolicTensor | null,
  masks: readonly SymbolicTensor[] = [],
  apply: Product = linear,
  axis = -1,
): SymbolicTensor {
  const [only] = masks
  if (masks.length < 2) return apply(only ? multiply(x, only) : x, kernel, bias)
  const kernels = split(kernel, masks.length, -1)
  const biases = bias && split(bias, masks.length, -1)
  const gates = masks.map((mask, gate) => apply(multiply(x, mask), kernels[gate]!, biases?.[gate]))
  return concatenate(gates, axis)
}

export abstract class GatedCell<S = unknown> extends RNNCell<S> {
  declare readonly activation: ActivationLike | null
  declare readonly recurrentActivation?: ActivationLike | null
  declare readonly useBias: boolean
  declare readonly kernelInitializer: Drawing
  declare readonly kernelRegularizer: Stored | null
  declare readonly kernelConstraint: Stored | null
  declare readonly recurrentInitializer: Drawing
  declare readonly recurrentRegularizer: Stored | null
  declare readonly recurrentConstraint: Stored | null
  declare readonly biasInitializer: Drawing
  declare readonly biasRegularizer: Stored | null
  declare readonly biasConstraint: Stored | null
  declare kernel: Variable
  declare recurrentKernel: Variable
  declare bias: Variable | null
  declare readonly dropout: number
  declare readonly recurrentDropout: number
  declare readonly seed: number | null

  /** Blocks of `width` columns in the kernels. */
  abstract get gates(): number
  /** Units, or filters. */
  protected abstract get width(): number
  protected abstract kernelShapes(inputShape: Shape): [kernel: Shape, recurrentKernel: Shape]
  /** One step, computed with ops: the output and the states. */
  protected abstract equations(
    x: SymbolicTensor,
    states: readonly SymbolicTensor[],
    masks?: DropoutMasks,
  ): [output: SymbolicTensor, states: SymbolicTensor[]]

  override build(inputShape: Shape): void {
    const [kernel, recurrentKernel] = this.kernelShapes(inputShape)
    this.kernel = this.addWeight({
      name: 'kernel',
      shape: kernel,
      initializer: this.kernelInitializer,
      regularizer: this.kernelRegularizer,
      constraint: this.kernelConstraint,
    })
    this.recurrentKernel = this.addWeight({
      name: 'recurrent_kernel',
      shape: recurrentKernel,
      initializer: this.recurrentInitializer,
      regularizer: this.recurrentRegularizer,
      constraint: this.recurrentConstraint,
    })
    this.bias = this.useBias
      ? this.addWeight({
          name: 'bias',
          shape: this.biasShape,
          initializer: this.firstBias,
          regularizer: this.biasRegularizer,
          constraint: this.biasConstraint,
        })
      : null
    if (this.drops) void this.seedGenerator
  }

  protected get biasShape(): number[] {
    return [this.width * this.gates]
  }

  protected get firstBias(): Drawing {
    return this.biasInitializer
  }

  /** One step. The cell around it, if there is one, must have built it. */
  override call(
    inputs: SymbolicTensor,
    states: Nested<SymbolicTensor>,
    options: StepOptions = {},
  ): [output: SymbolicTensor, states: StateList<S, SymbolicTensor>] {
    const { built, name: layer } = this
    if (built) return this.step(inputs, states, options)
    throw new StateError(`${layer} is not built: a cell inside a cell is built in that one's build`, {
      layer,
    })
  }

  protected step(
    inputs: SymbolicTensor,
    states: Nested<SymbolicTensor>,
    { training = false, masks }: StepOptions,
  ): [output: SymbolicTensor, states: StateList<S, SymbolicTensor>] {
    // of a cell inside another cell
    const draw = (rows: SymbolicTensor) => this.drawMasks(rows, shape(inputs).slice(1))
    const own = masks ?? (training && this.drops ? onceIn(this, 'masks', inputs, draw) : undefined)
    return this.equations(inputs, leaves(states), own) as [SymbolicTensor, StateList<S, SymbolicTensor>]
  }

  /** Whether training drops anything. */
  get drops(): boolean {
    return this.dropout > 0 || this.recurrentDropout > 0
  }

  /** What dropout masks are drawn from. */
  get seedGenerator(): SeedGenerator {
    return this.drawsFrom(this.seed)
  }

  /** How many masks training draws for inputs and states: each gate has its own. */
  protected get maskCount(): number {
    return this.gates
  }

  /** New masks for a call on as many rows as `rows` has, whose steps have these sizes. @internal */
  drawMasks(rows: SymbolicTensor, step: Sizes): DropoutMasks {
    const draw = (rate: number, sizes: Sizes) => {
      if (rate === 0) return undefined
      const { maskCount: length, seedGenerator } = this
      return Array.from({ length }, () => dropoutMask(rows, sizes, rate, seedGenerator))
    }
    const [state] = stateShapes(this.stateSize)
    return { x: draw(this.dropout, step), h: draw(this.recurrentDropout, state as readonly number[]) }
  }
}
