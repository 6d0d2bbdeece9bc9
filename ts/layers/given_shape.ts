/** The shape of a layer's input, from every option that tells some of it. */
import { ArgumentError, show } from '../errors.js'
import type { Shape } from '../tensor/shape.js'

/** Options that give one size of the input each, with its axis; `rank`: how many axes there are when no option gives them all. */
export interface SizeOptions {
  readonly rank: number
  readonly axes: Readonly<Record<string, number>>
}

/** The shape with the batch first, null where no option tells; null when none tells anything. What is told twice must agree. */
export function givenShape(
  layer: string,
  options: Readonly<Record<string, unknown>>,
  { rank, axes }: SizeOptions,
): Shape | null {
  const { batchShape, batchInputShape, inputShape } = options as Record<string, Shape | null | undefined>
  const whole = Object.entries({
    batchShape,
    batchInputShape,
    inputShape: inputShape && [null, ...inputShape],
  })
  const [first, ...others] = whole.filter((entry): entry is [string, Shape] => Boolean(entry[1]))
  const sizes = Object.entries(axes).filter(([name]) => typeof options[name] === 'number')
  if (!first && (rank === 0 || sizes.length === 0)) return null
  const shape = first ? [...first[1]] : Array<number | null>(rank).fill(null)
  const agree = (argument: string, same: boolean) => {
    if (same) return
    const text = `${layer}: "${argument}" contradicts ${first ? `"${first[0]}"` : 'the other sizes'}, ${show(shape)}`
    throw new ArgumentError(text, { layer, argument })
  }
  for (const [name, other] of others) {
    agree(name, other.length === shape.length)
    other.forEach((size, axis) => {
      agree(name, size === null || shape[axis] === null || shape[axis] === size)
      shape[axis] ??= size
    })
  }
  for (const [name, axis] of sizes) {
    const at = axis < 0 ? shape.length + axis : axis
    agree(name, at < shape.length && (shape[at] === null || shape[at] === options[name]))
    shape[at] = options[name] as number
  }
  return shape
}
