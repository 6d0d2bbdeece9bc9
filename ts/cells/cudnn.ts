/** The cells of Keras 2's CuDNNLSTM and CuDNNGRU: tanh and sigmoid, and a bias for the inputs beside one for the state. */
import type { Drawing } from '../initializers/initializer.js'
import { add, concatenate, ones, reshape, slice } from '../ops/index.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import { GRUCell } from './gru.js'
import { LSTMCell } from './lstm.js'

/** Bias `[8·units]`: `i f c o` for the inputs, then for the state. */
export class CuDNNLSTMCell extends LSTMCell {
  protected override get biasShape(): number[] {
    return [8 * this.units]
  }

  protected override get firstBias(): Drawing {
    const { units, unitForgetBias, biasInitializer } = this
    if (!unitForgetBias) return biasInitializer
    const draw: Drawing['draw'] = (_, key) => {
      const rest = (count: number) => biasInitializer.draw([count * units], key)
      return concatenate([rest(5), ones([units]), rest(2)])
    }
    return { draw }
  }

  protected override get usedBias(): SymbolicTensor {
    const half = 4 * this.units
    return add(slice(this.bias!, [0], [half]), slice(this.bias!, [half], [half]))
  }
}

/** Bias `[6·units]`: `z r h` for the inputs, then for the state. */
export class CuDNNGRUCell extends GRUCell {
  protected override get biasShape(): number[] {
    return [6 * this.units]
  }

  protected override get usedBias(): SymbolicTensor {
    return reshape(this.bias!, [2, 3 * this.units])
  }
}
