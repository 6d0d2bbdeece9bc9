// A page that makes one layer: what a bundler leaves of the package for it.
import { GRU, Input, Sequential } from 'layer-rnn'

export const model = new Sequential([new Input({ shape: [null, 3] }), new GRU({ units: 4 })])
