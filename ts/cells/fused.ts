/**
 * What the built-in cells share: their weights, and that one fused kernel runs them over a whole sequence. With activations of the
 * user's own they are computed with ops, step by step.
 */
import { type ActivationLike, type ActivationName, activation, activationKind } from '../activations.js'
import { UnsupportedError } from '../errors.js'
import type { CellKind } from '../generated/enums.js'
import { type Drawing, type InitializerLike, initializer } from '../initializers/initializer.js'
import { seed } from '../initializers/random.js'
import type { LayerOptions } from '../layers/layer_options.js'
import { choice, count, type Fields, flag, rate, sparing } from '../layers/options.js'
import {
  type ConstraintLike,
  constraint,
  type RegularizerLike,
  regularizer,
  type Stored,
} from '../layers/stored.js'
import { leaves, type Nested } from '../layers/structure.js'
import type { StateList } from '../layers/types.js'
import { concatenate, expandDims, linear, multiply, ones, random, split } from '../ops/index.js'
import { SeedGenerator } from '../ops/seed_generator.js'
import { type SequenceResult, sequence } from '../ops/sequence.js'
import { sizeAlong } from '../ops/trace.js'
import type { Shape } from '../tensor/shape.js'
import type { SymbolicTensor, Variable } from '../tensor/tensor.js'
import { RNNCell } from './cell.js'

/** Options of the built-in cells. Regularizers, constraints and dropout are kept; they act in training. */
export interface FusedCellOptions extends LayerOptions {
  /** Size of the state and of the output. */
  units: number
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
  /** 1 or 2: how many dropout masks training draws. Default 2. */
  implementation?: 0 | 1 | 2
}

export const fusedFields: Fields = {
  units: count(),
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
  implementation: sparing(choice(2, 0, 1, 2)),
}

/** How a sequence is run: states to start from, mask, direction, and which outputs are wanted. */
export interface SequenceOptions {
  /** Absent: zeros. */
  states?: readonly SymbolicTensor[]
  /** `[batch, time]`, bool. */
  mask?: SymbolicTensor
  /** What a masked step repeats before the first valid one. Absent: zeros. */
  previous?: SymbolicTensor
  backward: boolean
  /** All outputs `[batch, time, units]`; otherwise the last `[batch, units]`. */
  all: boolean
  /** Masked steps put out zeros. */
  zeroOutput?: boolean
  /** Inputs, mask and all outputs are `[time, batch, ...]`. */
  timeMajor?: boolean
}

/** What training multiplies inputs and state with, the same at every step: one mask, or one for each gate. */
export interface DropoutMasks {
  x?: readonly SymbolicTensor[]
  h?: readonly SymbolicTensor[]
}

/** `x·kernel + bias`, whose gates may see `x` through masks of their own. */
export function product(
  x: SymbolicTensor,
  kernel: SymbolicTensor,
  bias?: SymbolicTensor | null,
  masks: readonly SymbolicTensor[] = [],
): SymbolicTensor {
  const [only] = masks
  if (masks.length < 2) return linear(only ? multiply(x, only) : x, kernel, bias)
  const kernels = split(kernel, masks.length, -1)
  const biases = bias && split(bias, masks.length, -1)
  return concatenate(masks.map((mask, gate) => linear(multiply(x, mask), kernels[gate]!, biases?.[gate])))
}

export abstract class FusedCell<S = unknown> extends RNNCell<S> {
  declare readonly units: number
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
  declare readonly implementation: 0 | 1 | 2
  #generator: SeedGenerator | undefined

  /** The engine's kernel. */
  abstract get kind(): CellKind
  /** Blocks of `units` columns in the kernels. */
  abstract get gates(): number
  /** One step, computed with ops: the output and the states. */
  protected abstract equations(
    x: SymbolicTensor,
    states: readonly SymbolicTensor[],
    masks?: DropoutMasks,
  ): [output: SymbolicTensor, states: SymbolicTensor[]]

  /** Whether the engine's kernel can run it. */
  get fused(): boolean {
    return ![this.activation, this.recurrentActivation].some(each => typeof each === 'function')
  }

  override build(inputShape: Shape): void {
    const { units, gates } = this
    const columns = units * gates
    this.kernel = this.addWeight({
      name: 'kernel',
      shape: [inputShape.at(-1), columns],
      initializer: this.kernelInitializer,
      regularizer: this.kernelRegularizer,
      constraint: this.kernelConstraint,
    })
    this.recurrentKernel = this.addWeight({
      name: 'recurrent_kernel',
      shape: [units, columns],
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
  }

  protected get biasShape(): number[] {
    return [this.units * this.gates]
  }

  protected get firstBias(): Drawing {
    return this.biasInitializer
  }

  /** The bias in the form in which the kernel takes it. */
  protected get usedBias(): SymbolicTensor | null {
    return this.bias
  }

  /** One step, where it can be as a sequence of length one: the same bits as in any longer one. */
  override call(
    inputs: SymbolicTensor,
    states: Nested<SymbolicTensor>,
    { training = false, masks }: { training?: boolean; masks?: DropoutMasks } = {},
  ): [output: SymbolicTensor, states: StateList<S, SymbolicTensor>] {
    const before = leaves(states)
    if (training && !masks && (this.dropout > 0 || this.recurrentDropout > 0)) {
      const argument = this.dropout > 0 ? 'dropout' : 'recurrentDropout'
      const message = `${this.name}: ${argument} of a cell inside another cell is not supported`
      throw new UnsupportedError(message, { layer: this.name, argument })
    }
    if (masks || !this.fused)
      return this.equations(inputs, before, masks) as [SymbolicTensor, StateList<S, SymbolicTensor>]
    const x = expandDims(inputs, 1)
    const result = this.sequence(x, { states: before, backward: false, all: false })
    return [result.output, result.states as StateList<S, SymbolicTensor>]
  }

  /** What dropout masks are drawn from. */
  get seedGenerator(): SeedGenerator {
    const { seed, engine } = this
    this.#generator ??= this.owns(
      new SeedGenerator({ seed, name: `${this.name}/seed_generator_state` }, engine),
    )
    return this.#generator
  }

  /**
   * New masks for a call on `inputs` `[batch, time, features]`. Each gate has its own with `implementation` 1 and, as in Keras,
   * whenever there is recurrent dropout. @internal
   */
  drawMasks(inputs: SymbolicTensor): DropoutMasks {
    const count = this.implementation === 2 && this.recurrentDropout === 0 ? 1 : this.gates
    const draw = (rate: number, columns: number) => {
      if (rate === 0) return undefined
      const seen = ones([sizeAlong(inputs, 0), columns])
      return Array.from({ length: count }, () => random.dropout(seen, rate, { seed: this.seedGenerator }))
    }
    return { x: draw(this.dropout, inputs.shape.at(-1)!), h: draw(this.recurrentDropout, this.units) }
  }

  /** A whole sequence `[batch, time, features]`. */
  sequence(inputs: SymbolicTensor, options: SequenceOptions): SequenceResult {
    return sequence(inputs, this.kernel, this.recurrentKernel, {
      ...options,
      kind: this.kind,
      units: this.units,
      activation: activationKind(this.activation as ActivationName | null),
      recurrentActivation: activationKind((this.recurrentActivation ?? null) as ActivationName | null),
      bias: this.usedBias,
    })
  }
}
