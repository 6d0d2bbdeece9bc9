/**
 * The simple cell. For inputs `x` `[batch, features]` and state `h` `[batch, units]`:
 *
 *     h' = activation(x·K + h·R + b)
 *
 * Weights: kernel `[features, units]`, recurrent_kernel `[units, units]`, bias `[units]`.
 */
import { applyActivation } from '../activations.js'
import { CellKind } from '../generated/enums.js'
import type { Fields } from '../layers/options.js'
import { add } from '../ops/index.js'
import type { SymbolicTensor, Tensor } from '../tensor/tensor.js'
import { FusedCell, type FusedCellOptions, fusedFields } from './fused.js'
import { type DropoutMasks, product } from './gated.js'

export interface SimpleRNNCellOptions extends FusedCellOptions {}

export class SimpleRNNCell extends FusedCell<Tensor> {
  static override readonly className = 'SimpleRNNCell'
  static readonly module: string = 'keras.layers'
  static override readonly fields: Fields = fusedFields

  constructor(options: SimpleRNNCellOptions) {
    super(options)
    this.stateSize = this.outputSize = this.units
  }

  get kind(): CellKind {
    return CellKind.SimpleRnn
  }

  get gates(): number {
    return 1
  }

  protected override equations(
    x: SymbolicTensor,
    [h]: [SymbolicTensor],
    masks: DropoutMasks = {},
  ): [SymbolicTensor, SymbolicTensor[]] {
    const { kernel, recurrentKernel, bias, activation } = this
    const next = applyActivation(
      add(product(x, kernel, bias, masks.x), product(h, recurrentKernel, null, masks.h)),
      activation,
    )
    return [next, [next]]
  }
}
