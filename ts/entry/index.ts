/**
 * layer-rnn: recurrent networks as Keras describes them, in every JavaScript runtime.
 *
 *     import { Input, LSTM, Dense, Model } from 'layer-rnn'
 *
 * @module
 */
import './inline.js'

export * from './api.js'
