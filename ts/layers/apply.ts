/**
 * Applying a layer, like to like. Symbolic tensors give symbolic ones (a node of the graph), traced tensors are
 * computed on in their trace, data are computed at once by a program that is kept for the next data of that kind.
 */
import { ArgumentError, inLayer, show, UnsupportedError } from '../errors.js'
import { constants, KerasTensor, Node, type Spec } from '../models/graph.js'
import { Computation, type InputType } from '../models/program.js'
import { batchInput } from '../ops/rows.js'
import { Trace, TracedTensor } from '../ops/trace.js'
import type { Shape } from '../tensor/shape.js'
import { fromValues, SymbolicTensor, Tensor } from '../tensor/tensor.js'
import { checkInputs, checkShape, mapShapes } from './input_spec.js'
import type { Layer } from './layer.js'
import type { CallOptions } from './layer_options.js'
import { checkOptions, flag } from './options.js'
import { isTimed } from './states.js'
import { leaves, mapNested, type Nested } from './structure.js'
import { isLeaf, type Leaf } from './values.js'

/** Inputs and options of a call, their data as NdArrays. */
export interface Call {
  inputs: unknown
  options: CallOptions
}

export function apply(layer: Layer, inputs: unknown, options: CallOptions): unknown {
  checkOptions(layer.name, options, (layer.constructor as typeof Layer).callOptions, 'apply')
  flag(false).read(options.training ?? false, { layer: layer.name, argument: 'training' })
  const call = layer.prepare(inputs, options)
  const tensors = tensorsOf(call)
  checkInputs(layer, call.inputs, tensors[0])
  if (tensors.some(value => value instanceof KerasTensor)) return connect(layer, call)
  if (Trace.current()) return applyTraced(layer, call)
  return applyConcrete(layer, call)
}

/** The error of what Keras has beside inference. */
export function inferenceOnly(layer: string, argument: string): UnsupportedError {
  return new UnsupportedError(
    `${layer}: ${argument} is not supported: training and saving are not there yet`,
    { layer, argument },
  )
}

/** The tensors and arrays of a call, in order. */
function tensorsOf(call: Call): Leaf[] {
  const found: Leaf[] = []
  mapNested([call.inputs, call.options], leaf => isLeaf(leaf) && found.push(leaf))
  return found
}

/** Replaces every tensor and array of a call. */
function mapCall(call: Call, map: (leaf: Leaf) => SymbolicTensor): Call {
  return mapNested({ ...call }, leaf => (isLeaf(leaf) ? map(leaf) : leaf)) as unknown as Call
}

/** Adds a node to the graph: what comes out is found by tracing the call once. Data become constants of the graph. */
function connect(layer: Layer, call: Call): Nested<KerasTensor> {
  const own: Tensor[] = []
  const constant = mapCall(call, leaf => {
    if (leaf instanceof SymbolicTensor) return leaf
    const data = Trace.outside(() => fromValues(layer.engine, leaf))
    constants.add(data)
    own.push(data)
    return data
  })
  try {
    return new Node(layer, constant.inputs, constant.options, inferSpecs(layer, constant)).outputs
  } catch (error) {
    for (const data of own) data.dispose()
    throw error
  }
}

/** Shapes and dtypes of what a call returns. */
function inferSpecs(layer: Layer, call: Call): Nested<Spec> {
  return Trace.infer(trace => {
    const traced = mapCall(call, leaf => (leaf instanceof Tensor ? leaf : batchInput(trace, leaf)))
    return mapNested(applyTraced(layer, traced), leaf => {
      const { shape, dtype } = leaf as TracedTensor
      return { shape, dtype }
    }) as unknown as Nested<Spec>
  }, layer.engine)
}

/** The output shape for an input shape. */
export function inferShape(layer: Layer, inputShape: Shape): Nested<unknown> {
  checkShape(layer, inputShape)
  return Trace.infer(trace => {
    const inputs = mapShapes(inputShape, shape => batchInput(trace, { shape, dtype: layer.inputDtype }))
    return mapNested(applyTraced(layer, { inputs, options: {} }), leaf => (leaf as TracedTensor).shape)
  }, layer.engine)
}

/** Data through the layer: traced once for every kind of call, whatever the batch and the length. */
function applyConcrete(layer: Layer, call: Call): Nested<Tensor> {
  const { engine } = layer
  const types: InputType[] = []
  const rows = tensorsOf(call)[0]?.shape[layer.batchAxis]
  for (const [role, part] of Object.entries({ inputs: call.inputs, ...call.options }))
    mapNested(part, leaf => isLeaf(leaf) && types.push(layer.openType(leaf, role, rows)))
  let next = 0
  const form = mapNested({ ...call }, leaf => (isLeaf(leaf) ? types[next++] : leaf))
  const body = (traced: TracedTensor[]) => {
    let at = 0
    return applyTraced(
      layer,
      mapCall(call, () => traced[at++]!),
    )
  }
  const own: Tensor[] = []
  try {
    const tensors = tensorsOf(call).map(leaf => {
      if (leaf instanceof Tensor) return leaf
      const made = Trace.outside(() => fromValues(engine, leaf as Exclude<Leaf, SymbolicTensor>))
      own.push(made)
      return made
    })
    const computation = layer.programs.get(
      JSON.stringify(form),
      () => new Computation(engine, 'predict', types, body, tensors),
    )
    try {
      return inLayer(layer.name, () => computation.run(tensors))
    } finally {
      if (computation.program.once) computation.dispose()
    }
  } finally {
    for (const tensor of own) tensor.dispose()
  }
}

/** Builds the layer, calls it and gives its outputs their masks. */
export function applyTraced(layer: Layer, call: Call): Nested<TracedTensor> {
  const trace = Trace.current()!
  const bare = call.options.mask === false
  const { inputs, options } = mapCall(call, leaf => {
    if (leaf instanceof TracedTensor) return bare ? leaf.withMask(undefined) : leaf
    return trace.capture(
      leaf instanceof Tensor ? leaf : fromValues(trace.engine, leaf as Exclude<Leaf, SymbolicTensor>),
    )
  }) as { inputs: TracedTensor; options: CallOptions & { mask?: TracedTensor | false } }
  const first = firstTensor(inputs)
  checkInputs(layer, inputs, first)
  inLayer(layer.name, () => layer.build(shapesOf(inputs)))
  const mask = options.mask || (layer.keepsMasks ? undefined : first?.mask)
  trace.settle()
  return inLayer(layer.name, () => {
    const training = options.training ?? inherited ?? trace.training
    const outputs = inTraining(training, () =>
      trace.mixing(layer.mixesTime, () => outputsOf(layer, inputs, { ...options, mask, training }, trace)),
    )
    trace.settle()
    if (layer.keepsMasks) return outputs
    if (trace.phase === 'stream' && !layer.streams) checkStream(layer, inputs, outputs)
    return attachMasks(outputs, layer.computeMask(inputs, mask) as Nested<TracedTensor | null | undefined>)
  })
}

/** Runs the layer's `call`, which must return tensors, in any form. */
function outputsOf(
  layer: Layer,
  inputs: TracedTensor,
  options: CallOptions,
  trace: Trace,
): Nested<TracedTensor> {
  const made = layer.call?.(inputs, options)
  const all = leaves(made as Nested<unknown>)
  if (all.length === 0 || !all.every(leaf => leaf instanceof SymbolicTensor))
    throw new ArgumentError(`call must return a tensor or several, not ${show(made)}`, {
      argument: 'call',
      actual: made,
    })
  return mapNested(made, leaf => trace.own(leaf as SymbolicTensor))
}

/** Whether the layer that is being called trains: layers inside it do too, unless they are told. */
let inherited: boolean | undefined

function inTraining<T>(training: boolean, fn: () => T): T {
  const outer = inherited
  inherited = training
  try {
    return fn()
  } finally {
    inherited = outer
  }
}

function firstTensor(inputs: unknown): TracedTensor | undefined {
  let first: TracedTensor | undefined
  mapNested(inputs, leaf => {
    if (!first && leaf instanceof TracedTensor) first = leaf
  })
  return first
}

function shapesOf(inputs: unknown): Shape {
  return mapNested(inputs, leaf => (isLeaf(leaf) ? leaf.shape : [])) as unknown as Shape
}

/** In a stream, only recurrent layers may turn a sequence into something else: they have their state. */
function checkStream(layer: Layer, inputs: unknown, outputs: Nested<TracedTensor>): void {
  if (!leaves(inputs as Nested<unknown>).some(leaf => leaf instanceof TracedTensor && isTimed(leaf))) return
  if (leaves(outputs).every(isTimed)) return
  throw new UnsupportedError(`${layer.name} cannot stream: it needs the whole sequence`, {
    layer: layer.name,
  })
}

/**
 * Outputs are new objects, so that a layer which returns its input does not change the input's mask. One mask for several outputs is
 * that of the first, as in Keras.
 */
function attachMasks(
  outputs: Nested<TracedTensor>,
  masks: Nested<TracedTensor | null | undefined>,
): Nested<TracedTensor> {
  if (Array.isArray(outputs) && Array.isArray(masks))
    return outputs.map((output, i) => attachMasks(output, masks[i]))
  let mask = masks instanceof TracedTensor ? masks : undefined
  return mapNested(outputs, leaf => {
    const output = (leaf as TracedTensor).withMask(mask)
    mask = undefined
    return output
  })
}
