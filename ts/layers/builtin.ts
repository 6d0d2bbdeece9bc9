/** Every class that configs and files can name. */
import { GRUCell } from '../cells/gru.js'
import { LSTMCell } from '../cells/lstm.js'
import { SimpleRNNCell } from '../cells/simple_rnn.js'
import { StackedRNNCells } from '../cells/stacked.js'
import { Model } from '../models/model.js'
import { Sequential } from '../models/sequential.js'
import { Activation } from './activation.js'
import { Bidirectional } from './bidirectional.js'
import { CuDNNGRU, CuDNNLSTM } from './cudnn.js'
import { Dense } from './dense.js'
import { Dropout } from './dropout.js'
import { Embedding } from './embedding.js'
import { GRU } from './gru.js'
import { InputLayer } from './input.js'
import { LSTM } from './lstm.js'
import { Masking } from './masking.js'
import { registerBuiltin } from './registry.js'
import { RNN } from './rnn.js'
import { SimpleRNN } from './simple_rnn.js'
import { TimeDistributed } from './time_distributed.js'

registerBuiltin(
  'keras.layers',
  ...[InputLayer, Dense, Activation, Masking, Embedding, Dropout, RNN, SimpleRNN, LSTM, GRU],
  ...[CuDNNLSTM, CuDNNGRU, Bidirectional, TimeDistributed],
  ...[SimpleRNNCell, LSTMCell, GRUCell, StackedRNNCells],
)
registerBuiltin('keras', Sequential)
registerBuiltin('keras.src.models.functional', Model)
