/** The text that `model.program()` returns. */

import type { Layer } from '../layers/layer.js'
import { checkOptions, reject } from '../layers/options.js'
import { printPlan } from '../ops/print.js'
import type { Shape } from '../tensor/shape.js'
import { known } from '../tensor/shape.js'
import type { Tensor } from '../tensor/tensor.js'
import { arrange } from './io.js'
import type { Model } from './model.js'
import { inputsOf, traceModel } from './trace_model.js'

export interface ProgramOptions {
  /** What the program is for: whole sequences, their steps one by one, or training. Default predict. */
  phase?: 'predict' | 'stream' | 'train'
  /** The inputs' shapes, in their form. Default: a batch of 2 and 8 steps, in a stream one step. */
  shapes?: unknown
}

const phases = ['predict', 'stream', 'train'] as const

/** What a model becomes, bound to shapes. */
export function printModel(model: Model, options: ProgramOptions): string {
  const { name } = model
  model.checkAlive()
  checkOptions(name, options, ['phase', 'shapes'], 'program')
  const { phase = 'predict', shapes } = options
  if (!phases.includes(phase))
    reject({ layer: name, argument: 'phase' }, `one of ${phases.join(', ')}`, phase)
  const symbols = inputsOf(model)
  const types = symbols.map(({ shape, dtype }) => {
    return { shape: phase === 'stream' ? [null, null, ...shape.slice(2)] : shape, dtype }
  })
  const given =
    shapes === undefined
      ? types.map(({ shape }) => sized(shape, 2, phase === 'stream' ? 1 : 8))
      : arrange(name, 'shapes', model.inputs, shapes).map(shape => known(shape as Shape, `${name}: program`))
  const { program } = traceModel(
    model,
    phase,
    types,
    types.map(() => false),
  )
  const states = program.states.map(({ shape }) => [given[0]![0]!, ...shape])
  const bound = given.map(shape => `[${shape.join(', ')}]`).join(', ')
  const plan = program.bind([...given, ...states])
  return printPlan(`${name}: ${phase}, bound to ${bound}`, plan, {
    inputs: symbols.map(symbol => symbol.name),
    weights: pathsOf(model),
  })
}

/** The weights by the layers that they are in. */
function pathsOf(model: Layer): Map<Tensor, string> {
  const paths = new Map<Tensor, string>()
  const visit = (layer: Layer, path: string) => {
    for (const inner of layer.sublayers) visit(inner, `${path}${inner.name}/`)
    for (const weight of layer.weights) if (!paths.has(weight)) paths.set(weight, path + weight.name)
  }
  visit(model, '')
  return paths
}

/** A shape whose unknown sizes are these. */
const sized = (shape: Shape, batch: number, others: number) =>
  shape.map((size, axis) => size ?? (axis === 0 ? batch : others))
