/**
 * The LSTM cell. For inputs `x` `[batch, features]` and states `h`, `c` `[batch, units]`:
 *
 *     i = recurrentActivation(x·Ki + h·Ri + bi)      what to write
 *     f = recurrentActivation(x·Kf + h·Rf + bf)      what to keep
 *     g =          activation(x·Kc + h·Rc + bc)      the candidate
 *     o = recurrentActivation(x·Ko + h·Ro + bo)      what to show
 *     c' = f∘c + i∘g
 *     h' = o∘activation(c')
 *
 * Weights hold the gates side by side as `i f c o`: kernel `[features, 4·units]`,
 * recurrent_kernel `[units, 4·units]`, bias `[4·units]`. The output is `h'`, the states are `[h', c']`.
 */
import { type ActivationLike, activation, applyActivation } from '../activations.js'
import { CellKind } from '../generated/enums.js'
import type { Drawing } from '../initializers/initializer.js'
import { type Fields, flag } from '../layers/options.js'
import { add, concatenate, multiply, ones, split } from '../ops/index.js'
import type { SymbolicTensor, Tensor } from '../tensor/tensor.js'
import { FusedCell, type FusedCellOptions, fusedFields } from './fused.js'
import { type DropoutMasks, type GatedCell, product } from './gated.js'

export interface LSTMCellOptions extends FusedCellOptions {
  /** Of the gates. Default `'sigmoid'`. */
  recurrentActivation?: ActivationLike | null
  /** Starts the forget gate's bias at one, so that a new cell remembers. Default true. */
  unitForgetBias?: boolean
}

export class LSTMCell extends FusedCell<[h: Tensor, c: Tensor]> {
  static override readonly className = 'LSTMCell'
  static readonly module: string = 'keras.layers'
  static override readonly fields: Fields = {
    ...fusedFields,
    recurrentActivation: activation('sigmoid'),
    unitForgetBias: flag(true),
  }
  declare readonly unitForgetBias: boolean

  constructor(options: LSTMCellOptions) {
    super(options)
    this.stateSize = [this.units, this.units]
    this.outputSize = this.units
  }

  get kind(): CellKind {
    return CellKind.Lstm
  }

  get gates(): number {
    return 4
  }

  protected override equations(
    x: SymbolicTensor,
    [h, c]: [SymbolicTensor, SymbolicTensor],
    masks: DropoutMasks = {},
  ): [SymbolicTensor, SymbolicTensor[]] {
    const { kernel, recurrentKernel, bias } = this
    const z = add(product(x, kernel, bias, masks.x), product(h, recurrentKernel, null, masks.h))
    return lstmStep(this, z, c)
  }

  protected override get firstBias(): Drawing {
    return lstmBias(this, this.units)
  }
}

/** The output and the states after a step, from the gates `i f c o` side by side along `axis`. */
export function lstmStep(
  { activation, recurrentActivation }: GatedCell,
  z: SymbolicTensor,
  c: SymbolicTensor,
  axis = -1,
): [SymbolicTensor, SymbolicTensor[]] {
  const gate = (z: SymbolicTensor) => applyActivation(z, recurrentActivation ?? null)
  const [i, f, g, o] = split(z, 4, axis) as SymbolicTensor[] as [
    SymbolicTensor,
    SymbolicTensor,
    SymbolicTensor,
    SymbolicTensor,
  ]
  const cell = add(multiply(gate(f), c), multiply(gate(i), applyActivation(g, activation)))
  const next = multiply(gate(o), applyActivation(cell, activation))
  return [next, [next, cell]]
}

/** What the bias of four gates of `width` starts from. */
export function lstmBias(
  { unitForgetBias, biasInitializer }: GatedCell & { readonly unitForgetBias: boolean },
  width: number,
): Drawing {
  if (!unitForgetBias) return biasInitializer
  return {
    draw: (_, key) =>
      concatenate([
        biasInitializer.draw([width], key),
        ones([width]),
        biasInitializer.draw([2 * width], key),
      ]),
  }
}
