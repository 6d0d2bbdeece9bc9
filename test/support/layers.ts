/** The recurrent layers side by side, each with its naive reference. */
import { GRU, LSTM, type RecurrentLayer, SimpleRNN } from '../../ts/entry/api.js'
import type { RecurrentOptions } from '../../ts/layers/recurrent.js'
import { gru, lstm, type Matrix, type ReferenceCell, simpleRnn } from './reference.js'

export interface Kind {
  name: string
  make(units: number, options?: RecurrentOptions): RecurrentLayer
  reference(layer: RecurrentLayer): ReferenceCell
}

const weights = (layer: RecurrentLayer) =>
  layer.getWeights().map(weight => weight.array()) as [Matrix, Matrix, never]
const biases = { biasInitializer: 'randomNormal' } as const

export const kinds: Kind[] = [
  {
    name: 'SimpleRNN',
    make: (units, options) => new SimpleRNN({ units, ...biases, ...options }),
    reference: layer => simpleRnn(...weights(layer)),
  },
  {
    name: 'LSTM',
    make: (units, options) => new LSTM({ units, ...biases, ...options }),
    reference: layer => lstm(...weights(layer)),
  },
  {
    name: 'GRU',
    make: (units, options) => new GRU({ units, ...biases, ...options }),
    reference: layer => gru(...weights(layer), true),
  },
  {
    name: 'GRU with the reset before',
    make: (units, options) => new GRU({ units, resetAfter: false, ...biases, ...options }),
    reference(layer) {
      const [kernel, recurrent, bias] = weights(layer)
      return gru(kernel, recurrent, [bias], false)
    },
  },
]
