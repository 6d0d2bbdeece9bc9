/** What describes, runs and streams models: all entries' common part, without the bytes of the wasm. */
export type { ActivationLike, ActivationName } from '../activations.js'
export {
  type Cell,
  type CellCallOptions,
  type InitialStateOptions,
  RNNCell,
} from '../cells/cell.js'
export {
  ConvLSTM1DCell,
  ConvLSTM2DCell,
  ConvLSTM3DCell,
  type ConvLSTMCellOptions,
} from '../cells/conv_lstm.js'
export { GRUCell, type GRUCellOptions } from '../cells/gru.js'
export { LSTMCell, type LSTMCellOptions } from '../cells/lstm.js'
export { SimpleRNNCell, type SimpleRNNCellOptions } from '../cells/simple_rnn.js'
export { StackedRNNCells, type StackedRNNCellsOptions } from '../cells/stacked.js'
export {
  createEngine,
  currentEngine,
  type Engine,
  type EngineOptions,
  type EngineStats,
} from '../engine/engine.js'
export { keep, scope } from '../engine/handle.js'
export type { WasmModule, WasmSource } from '../engine/instance.js'
export { getModule, init, initSync, type WasmLocation, type WasmResponse } from '../engine/provider.js'
export {
  ArgumentError,
  CellError,
  DisposedError,
  EngineError,
  type ErrorDetails,
  ImportError,
  LayerRnnError,
  type LayerRnnErrorCode,
  MemoryError,
  ShapeError,
  StateError,
  TraceError,
  UnsupportedError,
} from '../errors.js'
export type { Drawing, InitializerLike, InitializerName } from '../initializers/initializer.js'
export { Activation, type ActivationOptions } from '../layers/activation.js'
export { Bidirectional, type BidirectionalOptions } from '../layers/bidirectional.js'
export { ConvLSTM1D, ConvLSTM2D, ConvLSTM3D, type ConvLSTMOptions } from '../layers/conv_lstm.js'
export { CuDNNGRU, type CuDNNGRUOptions, CuDNNLSTM, type CuDNNLSTMOptions } from '../layers/cudnn.js'
export { Dense, type DenseOptions } from '../layers/dense.js'
export { Dropout, type DropoutOptions } from '../layers/dropout.js'
export { Embedding, type EmbeddingOptions } from '../layers/embedding.js'
export { GRU, type GRUOptions } from '../layers/gru.js'
export { Input, InputLayer, type InputOptions } from '../layers/input.js'
export { Layer } from '../layers/layer.js'
export { LayerNormalization, type LayerNormalizationOptions } from '../layers/layer_normalization.js'
export type { CallOptions, InputSpec, LayerOptions, WeightOptions } from '../layers/layer_options.js'
export { LSTM, type LSTMOptions } from '../layers/lstm.js'
export { Masking, type MaskingOptions } from '../layers/masking.js'
export { type RecurrentCallOptions, RecurrentLayer, type RecurrentOptions } from '../layers/recurrent.js'
export {
  type CustomObjects,
  type LayerClass,
  type LayerConfig,
  registerSerializable,
} from '../layers/registry.js'
export { RNN, type RNNOptions } from '../layers/rnn.js'
export { SimpleRNN, type SimpleRNNOptions } from '../layers/simple_rnn.js'
export type { StateSize } from '../layers/state_size.js'
export type { ConstraintLike, RegularizerLike } from '../layers/stored.js'
export type { Nested } from '../layers/structure.js'
export { TimeDistributed, type TimeDistributedOptions } from '../layers/time_distributed.js'
export type { Applicable, Inputs, Like, Masks, Output, Replaced, StatesOf } from '../layers/types.js'
export type { Values } from '../layers/values.js'
export type { KerasTensor } from '../models/graph.js'
export { Model, type ModelOptions, type Symbols } from '../models/model.js'
export type { PredictOptions } from '../models/predict.js'
export type { ProgramOptions } from '../models/print.js'
export { Sequential, type SequentialOptions } from '../models/sequential.js'
export type { Frame, StepOptions, Stream, StreamOptions } from '../models/stream.js'
export type { States } from '../models/stream_states.js'
export type { ArrayLike, NumericArray } from '../tensor/convert.js'
export { NdArray, type NestedArray } from '../tensor/ndarray.js'
export { sequenceMask } from '../tensor/sequence_mask.js'
export { type Data, type DType, type Shape, shape, type WholeShape } from '../tensor/shape.js'
export { SymbolicTensor, Tensor, tensor, type Variable } from '../tensor/tensor.js'
