/** Data in the form of a model's inputs, and back in the form of its outputs. */
import { ArgumentError } from '../errors.js'
import { unknownName } from '../layers/names.js'
import { isPlain, leaves, type Nested } from '../layers/structure.js'
import type { KerasTensor } from './graph.js'

/**
 * The parts of `value` for each tensor of `form`, in order: `value` itself for a single tensor, an array or an object
 * for several. An object may also name inputs by their layers.
 */
export function arrange(
  layer: string,
  argument: string,
  form: Nested<KerasTensor>,
  value: unknown,
): unknown[] {
  const tensors = leaves(form)
  if (isPlain(form)) return byName(layer, argument, Object.keys(form), value)
  if (isPlain(value))
    return byName(
      layer,
      argument,
      tensors.map(tensor => tensor.name),
      value,
    )
  if (!Array.isArray(form)) return [value]
  if (Array.isArray(value) && value.length === tensors.length) return value
  throw new ArgumentError(`${layer} takes ${tensors.length} ${argument} in an array`, {
    layer,
    argument,
    expected: tensors.length,
    actual: Array.isArray(value) ? value.length : 1,
  })
}

function byName(layer: string, argument: string, names: string[], value: unknown): unknown[] {
  const expected = names.join(', ')
  if (!isPlain(value)) {
    throw new ArgumentError(`${layer} takes its ${argument} in an object: ${expected}`, {
      layer,
      argument,
      expected,
    })
  }
  const unknown = Object.keys(value).find(name => !names.includes(name))
  if (unknown !== undefined) throw unknownName(layer, argument, ' has no input', unknown, names)
  return names.map(name => {
    if (name in value || argument === 'mask') return value[name]
    throw new ArgumentError(`${layer} needs the input "${name}"`, { layer, argument, expected })
  })
}
