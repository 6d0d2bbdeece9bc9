/** The cells that one fused kernel runs over a whole sequence. With activations of the user's own they are computed with ops, step by step. */
import { type ActivationName, activationKind } from '../activations.js'
import type { CellKind } from '../generated/enums.js'
import { choice, count, type Fields, sparing } from '../layers/options.js'
import { leaves, type Nested } from '../layers/structure.js'
import type { StateList } from '../layers/types.js'
import { expandDims } from '../ops/index.js'
import { type SequenceResult, sequence } from '../ops/sequence.js'
import type { Shape } from '../tensor/shape.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import { GatedCell, type GatedCellOptions, gatedFields, type StepOptions } from './gated.js'

export interface FusedCellOptions extends GatedCellOptions {
  /** Size of the state and of the output. */
  units: number
  /** 1 or 2: how many dropout masks training draws. Default 2. */
  implementation?: 0 | 1 | 2
}

export const fusedFields: Fields = {
  units: count(),
  ...gatedFields,
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

export abstract class FusedCell<S = unknown> extends GatedCell<S> {
  declare readonly units: number
  declare readonly implementation: 0 | 1 | 2

  /** The engine's kernel. */
  abstract get kind(): CellKind

  /** Whether the engine's kernel can run it. */
  get fused(): boolean {
    return ![this.activation, this.recurrentActivation].some(each => typeof each === 'function')
  }

  protected override get width(): number {
    return this.units
  }

  protected override kernelShapes(inputShape: Shape): [Shape, Shape] {
    const columns = this.units * this.gates
    return [
      [inputShape.at(-1) ?? null, columns],
      [this.units, columns],
    ]
  }

  /** The bias in the form in which the kernel takes it. */
  protected get usedBias(): SymbolicTensor | null {
    return this.bias
  }

  /** One step, where it can be as a sequence of length one: the same bits as in any longer one. */
  protected override step(
    inputs: SymbolicTensor,
    states: Nested<SymbolicTensor>,
    options: StepOptions,
  ): [output: SymbolicTensor, states: StateList<S, SymbolicTensor>] {
    if ((options.training && this.drops) || options.masks || !this.fused)
      return super.step(inputs, states, options)
    const x = expandDims(inputs, 1)
    const result = this.sequence(x, { states: leaves(states), backward: false, all: false })
    return [result.output, result.states as StateList<S, SymbolicTensor>]
  }

  /** Each gate has its own with `implementation` 1 and, as in Keras, whenever there is recurrent dropout. */
  protected override get maskCount(): number {
    return this.implementation === 2 && this.recurrentDropout === 0 ? 1 : this.gates
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
