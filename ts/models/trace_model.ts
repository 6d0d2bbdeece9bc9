/** A whole model as a program. */

import type { Engine } from '../engine/engine.js'
import { inLayer, UnsupportedError } from '../errors.js'
import { isTimed } from '../layers/states.js'
import { leaves, type Nested, pack } from '../layers/structure.js'
import { timeAxes } from '../ops/timewise.js'
import type { Phase, TracedTensor } from '../ops/trace.js'
import type { KerasTensor } from './graph.js'
import type { Model, Symbols } from './model.js'
import { Computation, type InputType, type Programs } from './program.js'

/** Where a model's programs are made and kept: a model is its own. */
export interface Home {
  readonly engine: Engine
  readonly programs: Programs
}

/**
 * The model's program for inputs of these types, in order; behind them it takes the masks `[batch, time]` of those inputs that
 * are `masked`. It is traced once for each signature.
 */
export function traceModel<S extends Symbols>(
  model: Model<S>,
  phase: Phase,
  types: readonly InputType[],
  masked: readonly boolean[],
  { engine, programs }: Home = model,
): Computation {
  const form = model.inputs
  const masks = types
    .filter((_, i) => masked[i])
    .map(({ shape }) => ({ shape: shape.slice(0, 2), dtype: 'bool' as const }))
  return programs.get(`${phase} ${types.map(({ shape }) => shape.map(String))} ${masked}`, () => {
    return new Computation(engine, phase, [...types, ...masks], traced => {
      if (phase === 'stream') for (const input of traced) if (isTimed(input)) input.trace.step(input)
      const own = traced.slice(types.length)
      const inputs = types.map((_, i) => (masked[i] ? traced[i]!.withMask(own.shift()) : traced[i]!))
      const outputs = inLayer(model.name, () => model.call(pack(form, inputs) as Nested<TracedTensor>))
      if (phase === 'stream' && leaves(outputs).some(y => timeAxes(y).some(axis => axis !== 1)))
        throw new UnsupportedError(`${model.name} cannot stream: time must be axis 1 of what it gives`, {
          layer: model.name,
        })
      return outputs
    })
  })
}

/** The symbolic inputs of a model, in order. */
export const inputsOf = <S extends Symbols>(model: Model<S>) => leaves(model.inputs)

/** Whether an input is of ids: Keras's files give it as `float32` to an Embedding, too. */
export const isIds = <S extends Symbols>(model: Model<S>, input: KerasTensor): boolean =>
  input.dtype !== 'float32' ||
  model.nodes.some(({ layer, parents }) => layer.inputDtype !== 'float32' && parents.includes(input))
