/**
 * Every class of ours that code can make and configs name. What reads configs imports this; a page that makes its layers itself does not,
 * and carries only those that it uses. Classes that only Keras's files have: formats/keras/load.ts.
 */
import { ConvLSTM1DCell, ConvLSTM2DCell, ConvLSTM3DCell, ConvLSTMCell } from '../cells/conv_lstm.js'
import { GRUCell } from '../cells/gru.js'
import { LSTMCell } from '../cells/lstm.js'
import { SimpleRNNCell } from '../cells/simple_rnn.js'
import { StackedRNNCells } from '../cells/stacked.js'
import { install } from '../installed.js'
import { readModel, readSequential } from '../models/config.js'
import { Model } from '../models/model.js'
import { Sequential } from '../models/sequential.js'
import { Activation } from './activation.js'
import { activationOf } from './activation_classes.js'
import { Bidirectional } from './bidirectional.js'
import { ConvLSTM1D, ConvLSTM2D, ConvLSTM3D } from './conv_lstm.js'
import { CuDNNGRU, CuDNNLSTM } from './cudnn.js'
import { Dense } from './dense.js'
import { Dropout } from './dropout.js'
import { Embedding } from './embedding.js'
import { GRU } from './gru.js'
import { InputLayer } from './input.js'
import type { Layer } from './layer.js'
import { LayerNormalization } from './layer_normalization.js'
import { LSTM } from './lstm.js'
import { Masking } from './masking.js'
import { type CustomObjects, type LayerClass, make, registerBuiltin } from './registry.js'
import { RNN } from './rnn.js'
import { SimpleRNN } from './simple_rnn.js'
import { TimeDistributed } from './time_distributed.js'

install({ readModel, readSequential, activationOf })
registerBuiltin([
  ...[InputLayer, Dense, Activation, Masking, Embedding, Dropout, RNN, SimpleRNN, LSTM, GRU],
  ...[CuDNNLSTM, CuDNNGRU, Bidirectional, TimeDistributed, LayerNormalization],
  ...[ConvLSTM1D, ConvLSTM2D, ConvLSTM3D, ConvLSTM1DCell, ConvLSTM2DCell, ConvLSTM3DCell],
  ConvLSTMCell as unknown as LayerClass,
  ...[SimpleRNNCell, LSTMCell, GRUCell, StackedRNNCells],
  ...[Sequential, Model],
])

/**
 * A layer, cell or model from its config, Keras 3's `{ module, class_name, config }` or Keras 2's
 * `{ class_name, config }`. Classes are looked up in `customObjects`, then among the registered, then among ours.
 */
export function deserialize(config: unknown, customObjects: CustomObjects = {}): Layer {
  return make(config, customObjects)
}
