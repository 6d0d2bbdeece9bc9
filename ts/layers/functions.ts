/**
 * R's way of writing: `layerLstm(object, options, callOptions)`. Without an object the layer is returned; a Sequential gets
 * the layer and is returned; anything else, a tensor or data, goes through the layer and its output is returned.
 */

import type { Cell } from '../cells/cell.js'
import { GRUCell, type GRUCellOptions } from '../cells/gru.js'
import { LSTMCell, type LSTMCellOptions } from '../cells/lstm.js'
import { SimpleRNNCell, type SimpleRNNCellOptions } from '../cells/simple_rnn.js'
import { StackedRNNCells } from '../cells/stacked.js'
import { ArgumentError, mustBe, show } from '../errors.js'
import { Model, type ModelOptions, type Symbols } from '../models/model.js'
import { Sequential, type SequentialOptions } from '../models/sequential.js'
import type { Shape } from '../tensor/shape.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import { Activation, type ActivationOptions } from './activation.js'
import { Bidirectional, type BidirectionalOptions } from './bidirectional.js'
import { ConvLSTM1D, ConvLSTM2D, ConvLSTM3D, type ConvLSTMOptions } from './conv_lstm.js'
import { CuDNNGRU, type CuDNNGRUOptions, CuDNNLSTM, type CuDNNLSTMOptions } from './cudnn.js'
import { Dense, type DenseOptions } from './dense.js'
import { Dropout, type DropoutOptions } from './dropout.js'
import { Embedding, type EmbeddingOptions } from './embedding.js'
import { GRU, type GRUOptions } from './gru.js'
import { Input, InputLayer, type InputOptions } from './input.js'
import type { Layer } from './layer.js'
import { LayerNormalization, type LayerNormalizationOptions } from './layer_normalization.js'
import type { CallOptions } from './layer_options.js'
import { LSTM, type LSTMOptions } from './lstm.js'
import { Masking, type MaskingOptions } from './masking.js'
import { checkOptions } from './options.js'
import type { RecurrentCallOptions } from './recurrent.js'
import { RNN, type RNNOptions } from './rnn.js'
import { SimpleRNN, type SimpleRNNOptions } from './simple_rnn.js'
import { isPlain } from './structure.js'
import { TimeDistributed, type TimeDistributedOptions } from './time_distributed.js'
import type { Applicable, Exact, Output } from './types.js'
import { isTensorLike } from './values.js'

/** The layer that a class makes of options of type `O`. */
interface LayerFor<O> {
  SimpleRNN: SimpleRNN<Extract<O, SimpleRNNOptions>>
  LSTM: LSTM<Extract<O, LSTMOptions>>
  GRU: GRU<Extract<O, GRUOptions>>
  ConvLSTM1D: ConvLSTM1D<Extract<O, ConvLSTMOptions>>
  ConvLSTM2D: ConvLSTM2D<Extract<O, ConvLSTMOptions>>
  ConvLSTM3D: ConvLSTM3D<Extract<O, ConvLSTMOptions>>
  RNN: RNN<Extract<O, RNNOptions>>
  CuDNNLSTM: CuDNNLSTM<Extract<O, CuDNNLSTMOptions>>
  CuDNNGRU: CuDNNGRU<Extract<O, CuDNNGRUOptions>>
  Bidirectional: Bidirectional<Extract<O, BidirectionalOptions>>
  TimeDistributed: TimeDistributed<O extends { layer: infer L extends Layer } ? L : Layer>
  Dense: Dense
  Activation: Activation
  Masking: Masking
  Embedding: Embedding
  Dropout: Dropout
  LayerNormalization: LayerNormalization
}

/** A function of the object it is composed with, the layer's options and the options of the call. */
export interface LayerFunction<K extends keyof LayerFor<unknown>, Options, Call> {
  /** The layer. */
  <const O extends Options>(options: Exact<O, Options>): LayerFor<O>[K]
  /** The layer. */
  <const O extends Options>(object: null | undefined, options: Exact<O, Options>): LayerFor<O>[K]
  /** The model, with the layer added. */
  <M extends Sequential>(object: M, options: Options): M
  /** The output. */
  <X extends Applicable, const O extends Options>(
    object: X,
    options: Exact<O, Options>,
    call?: Call,
  ): Output<LayerFor<O>[K]['$returns'], X>
}

function layerFunction<K extends keyof LayerFor<unknown>, Options, Call = CallOptions>(
  Class: new (options: never) => Layer,
): LayerFunction<K, Options, Call> {
  const compose = (...args: unknown[]): unknown => {
    const [object, options, call] = isPlain(args[0]) ? [undefined, ...args] : args
    const { className } = Class as unknown as typeof Layer
    const none = object === undefined || object === null
    const data = isTensorLike(object) || Array.isArray(object)
    if (!none && !data && !(object instanceof Sequential)) {
      throw new ArgumentError(
        `${className}: the object must be null (gives the layer), a Sequential (gets the layer) or a tensor or array, not ${show(object)}`,
        { layer: className, argument: 'object', actual: object },
      )
    }
    if (call !== undefined && !data) {
      throw new ArgumentError(`${className}: options of the call need a tensor or array to be applied to`, {
        layer: className,
        argument: 'object',
        actual: object,
      })
    }
    const layer = new Class((options ?? {}) as never)
    if (none) return layer
    return object instanceof Sequential
      ? object.add(layer)
      : layer.apply(object as Applicable, call as CallOptions)
  }
  return compose as LayerFunction<K, Options, Call>
}

export const layerSimpleRnn = layerFunction<'SimpleRNN', SimpleRNNOptions, RecurrentCallOptions>(SimpleRNN)
export const layerLstm = layerFunction<'LSTM', LSTMOptions, RecurrentCallOptions>(LSTM)
export const layerGru = layerFunction<'GRU', GRUOptions, RecurrentCallOptions>(GRU)
export const layerRnn = layerFunction<'RNN', RNNOptions, RecurrentCallOptions>(RNN)
export const layerConvLstm1d = layerFunction<'ConvLSTM1D', ConvLSTMOptions, RecurrentCallOptions>(ConvLSTM1D)
export const layerConvLstm2d = layerFunction<'ConvLSTM2D', ConvLSTMOptions, RecurrentCallOptions>(ConvLSTM2D)
export const layerConvLstm3d = layerFunction<'ConvLSTM3D', ConvLSTMOptions, RecurrentCallOptions>(ConvLSTM3D)
export const layerCudnnLstm = layerFunction<'CuDNNLSTM', CuDNNLSTMOptions, RecurrentCallOptions>(CuDNNLSTM)
export const layerCudnnGru = layerFunction<'CuDNNGRU', CuDNNGRUOptions, RecurrentCallOptions>(CuDNNGRU)
export const layerBidirectional = layerFunction<'Bidirectional', BidirectionalOptions, RecurrentCallOptions>(
  Bidirectional,
)
export const layerTimeDistributed = layerFunction<'TimeDistributed', TimeDistributedOptions>(TimeDistributed)
export const layerDense = layerFunction<'Dense', DenseOptions>(Dense)
export const layerActivation = layerFunction<'Activation', ActivationOptions>(Activation)
export const layerMasking = layerFunction<'Masking', MaskingOptions>(Masking)
export const layerEmbedding = layerFunction<'Embedding', EmbeddingOptions>(Embedding)
export const layerDropout = layerFunction<'Dropout', DropoutOptions>(Dropout)
export const layerLayerNormalization = layerFunction<'LayerNormalization', LayerNormalizationOptions>(
  LayerNormalization,
)

/** A symbolic tensor to build a model from. */
export const layerInput = (options: InputOptions): SymbolicTensor => Input(options)

export const rnnCellSimple = (options: SimpleRNNCellOptions): SimpleRNNCell => new SimpleRNNCell(options)
export const rnnCellLstm = (options: LSTMCellOptions): LSTMCell => new LSTMCell(options)
export const rnnCellGru = (options: GRUCellOptions): GRUCell => new GRUCell(options)

/** Cells on top of each other: `rnnCellsStack(a, b)` or `rnnCellsStack([a, b])`. */
export function rnnCellsStack<const C extends readonly Cell[]>(...cells: C | [C]): StackedRNNCells<C> {
  return new StackedRNNCells({ cells: cells.flat() as unknown as C })
}

/** Sets the states of a stateful layer or of all in a model; gives the object. */
export function resetState<T extends { resetStates(): void }>(object: T): T {
  if (typeof object?.resetStates !== 'function') {
    throw mustBe('resetState', 'object', 'a recurrent layer or a model', object)
  }
  object.resetStates()
  return object
}

/** A model between symbolic inputs and outputs. */
export const kerasModel = <const S extends Symbols>(options: ModelOptions<S>): Model<S> => new Model(options)

export interface SequentialModelOptions extends SequentialOptions {
  layers?: readonly Layer[]
  /** Without the batch. */
  inputShape?: Shape
  /** With the batch. */
  inputBatchShape?: Shape
}

/** A model of layers in a row, to which the layer functions add. */
export function kerasModelSequential(options: SequentialModelOptions = {}): Sequential {
  checkOptions('kerasModelSequential', options, [
    'layers',
    'inputShape',
    'inputBatchShape',
    'name',
    'trainable',
  ])
  const { layers = [], inputShape, inputBatchShape, ...rest } = options
  const input = inputBatchShape ? { batchShape: inputBatchShape } : inputShape && { shape: inputShape }
  return new Sequential([...(input ? [new InputLayer(input)] : []), ...layers], rest)
}
