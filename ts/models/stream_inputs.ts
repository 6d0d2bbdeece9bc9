/** What a stream's inputs are: those that come with every step, and those that are given once. */
import { ArgumentError, named } from '../errors.js'
import { unknownName } from '../layers/names.js'
import { isPlain, type Nested } from '../layers/structure.js'
import { numbersOf, type Values } from '../layers/values.js'
import { Trace } from '../ops/trace.js'
import { ownValue } from '../plain.js'
import type { Data } from '../tensor/shape.js'
import { fromValues, type Tensor } from '../tensor/tensor.js'
import type { KerasTensor } from './graph.js'
import type { Model, Symbols } from './model.js'
import { inputsOf, isIds } from './trace_model.js'

/** The tensors of the inputs that are given once; undefined for those that come with every step. */
export function giveOnce<S extends Symbols>(
  model: Model<S>,
  batch: number,
  inputs: Readonly<Record<string, Values>>,
): (Tensor | undefined)[] {
  const symbols = inputsOf(model)
  const layer = model.name
  const names = namesOf(model)
  refuseUnknown(layer, names, inputs)
  const values = symbols.map((symbol, i) => {
    const { shape, dtype } = symbol
    const what = names[i]!
    const value = ownValue(inputs, what)
    if (value !== undefined)
      return numbersOf(layer, what, value, { shape: [batch, ...shape.slice(1)], dtype })
    if (isTimed(model, symbol)) return undefined
    throw new ArgumentError(
      `${layer}: the input "${what}" has no time axis; give it once, with stream({ inputs })`,
      {
        layer,
        argument: what,
      },
    )
  })
  if (values.every(value => value)) {
    throw new ArgumentError(`${layer}: one input must come with the steps`, { layer, argument: 'inputs' })
  }
  const made: (Tensor | undefined)[] = []
  try {
    for (const value of values) made.push(value && Trace.outside(() => fromValues(model.engine, value)))
    return made
  } catch (error) {
    for (const tensor of made) tensor?.dispose()
    throw named(error, layer)
  }
}

/** The data of what is given once for one more row, each of the size that the other rows have. */
export function giveRow<S extends Symbols>(
  model: Model<S>,
  once: readonly (Tensor | undefined)[],
  inputs: Readonly<Record<string, Values>>,
): (Data | undefined)[] {
  const layer = model.name
  const names = namesOf(model)
  const given = names.filter((_, i) => once[i])
  refuseUnknown(layer, given, inputs)
  return once.map((tensor, i) => {
    if (!tensor) return undefined
    const what = names[i]!
    const value = ownValue(inputs, what)
    const shape = [1, ...tensor.shape.slice(1)]
    if (value !== undefined) return numbersOf(layer, what, value, { shape, dtype: tensor.dtype }).data
    const text = `${layer}: a new row needs the input "${what}", which is given once: addRow({ inputs })`
    throw new ArgumentError(text, { layer, argument: what, expected: shape })
  })
}

const namesOf = <S extends Symbols>(model: Model<S>): string[] =>
  isPlain(model.inputs) ? Object.keys(model.inputs) : inputsOf(model).map(({ name }) => name)

function refuseUnknown(layer: string, names: readonly string[], inputs: object): void {
  const wrong = Object.keys(inputs).find(name => !names.includes(name))
  if (wrong !== undefined) throw unknownName(layer, 'inputs', ' has no input', wrong, names)
}

/** Whether axis 1 is time: sequences of features, of ids, or of anything of unknown length. */
function isTimed<S extends Symbols>(model: Model<S>, input: KerasTensor): boolean {
  const { shape } = input
  return shape.length > 2 || (shape.length === 2 && (shape[1] === null || isIds(model, input)))
}

/** The form of what comes with every step: that of the inputs without those given once; a last one comes alone. */
export function steppedForm<S extends Symbols>(
  model: Model<S>,
  once: readonly unknown[],
): Nested<KerasTensor> {
  const { inputs } = model
  if (once.every(tensor => !tensor)) return inputs
  const rest = inputsOf(model).filter((_, i) => !once[i])
  if (rest.length === 1) return rest[0]!
  return isPlain(inputs) ? Object.fromEntries(Object.entries(inputs).filter((_, i) => !once[i])) : rest
}
