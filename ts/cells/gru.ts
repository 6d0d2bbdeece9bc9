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
import { type ActivationLike, activation, applyActivation } from '../activations.js'
import { CellKind } from '../generated/enums.js'
import { type Fields, flag } from '../layers/options.js'
import { add, dot, multiply, slice, split, squeeze, subtract } from '../ops/index.js'
import type { SymbolicTensor, Tensor } from '../tensor/tensor.js'
import { FusedCell, type FusedCellOptions, fusedFields } from './fused.js'
import { type DropoutMasks, product } from './gated.js'

export interface GRUCellOptions extends FusedCellOptions {
  /** Of the gates. Default `'sigmoid'`. */
  recurrentActivation?: ActivationLike | null
  /** Whether the reset gate acts after the product with the recurrent kernel. Default true. */
  resetAfter?: boolean
}

type Three = [SymbolicTensor, SymbolicTensor, SymbolicTensor]

export class GRUCell extends FusedCell<Tensor> {
  static override readonly className = 'GRUCell'
  static readonly module: string = 'keras.layers'
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

  protected override equations(
    x: SymbolicTensor,
    [h]: [SymbolicTensor],
    masks: DropoutMasks = {},
  ): [SymbolicTensor, SymbolicTensor[]] {
    const { kernel, recurrentKernel, bias, activation, recurrentActivation, resetAfter } = this
    const gate = (a: SymbolicTensor, b: SymbolicTensor) =>
      applyActivation(add(a, b), recurrentActivation ?? null)
    const thirds = (value: SymbolicTensor) => split(value, 3, -1) as unknown as Three
    const row = (index: number) => bias && squeeze(slice(bias, [index], [1]), 0)
    const [xz, xr, xh] = thirds(product(x, kernel, resetAfter ? row(0) : bias, masks.x))
    let candidate: SymbolicTensor
    let z: SymbolicTensor
    if (resetAfter) {
      const [hz, hr, hh] = thirds(product(h, recurrentKernel, row(1), masks.h))
      z = gate(xz, hz)
      candidate = add(xh, multiply(gate(xr, hr), hh))
    } else {
      const [kz, kr, kh] = thirds(recurrentKernel)
      const [seenZ, seenR, seenH] = [0, 1, 2].map(gate =>
        masks.h ? multiply(h, masks.h[gate]!) : h,
      ) as Three
      z = gate(xz, dot(seenZ, kz))
      candidate = add(xh, dot(multiply(gate(xr, dot(seenR, kr)), seenH), kh))
    }
    const next = add(multiply(z, h), multiply(subtract(1, z), applyActivation(candidate, activation)))
    return [next, [next]]
  }

  protected override get biasShape(): number[] {
    return this.resetAfter ? [2, 3 * this.units] : [3 * this.units]
  }
}
