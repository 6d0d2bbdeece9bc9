/**
 * The GRU cell. For inputs `x` `[batch, features]` and state `h` `[batch, units]`:
 *
 *     z = recurrentActivation(x·Kz + h·Rz + bz)      what to keep
 *     r = recurrentActivation(x·Kr + h·Rr + br)      what the candidate sees of the state
 *     g = activation(x·Kh + b + r∘(h·Rh + b'))       resetAfter: true
 *     g = activation(x·Kh + b + (r∘h)·Rh)            resetAfter: false
 *     h' = z∘h + (1 - z)∘g
 *
 * Weights hold the gates side by side as `z r h`: kernel `[features, 3·units]`, recurrent_kernel `[units, 3·units]`,
 * bias `[3·units]`, or with resetAfter `[2, 3·units]`: one row for the inputs, one for the state.
 */
import { type ActivationName, activation } from '../activations.js'
import { CellKind } from '../generated/enums.js'
import { type Fields, flag } from '../layers/options.js'
import type { Tensor } from '../tensor/tensor.js'
import { FusedCell, type FusedCellOptions, fusedFields } from './fused.js'

export interface GRUCellOptions extends FusedCellOptions {
  /** Of the gates. Default `'sigmoid'`. */
  recurrentActivation?: ActivationName | null
  /** Whether the reset gate acts after the product with the recurrent kernel. Default true. */
  resetAfter?: boolean
}

export class GRUCell extends FusedCell<Tensor> {
  static override readonly className = 'GRUCell'
  static override readonly fields: Fields = {
    ...fusedFields,
    recurrentActivation: activation('sigmoid'),
    resetAfter: flag(true),
  }
  declare readonly resetAfter: boolean

  constructor(options: GRUCellOptions) {
    super(options)
    this.stateSize = this.outputSize = this.units
  }

  get kind(): CellKind {
    return this.resetAfter ? CellKind.GruResetAfter : CellKind.GruResetBefore
  }

  get gates(): number {
    return 3
  }

  protected override get biasShape(): number[] {
    return this.resetAfter ? [2, 3 * this.units] : [3 * this.units]
  }
}
