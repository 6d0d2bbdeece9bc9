/** Pooling over one to three axes: each place of the window is a slice with strides, and these are combined. */
import { mustBe, ShapeError, show } from '../errors.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import { pad } from './arranging.js'
import { cast } from './cast.js'
import { each, isChannelsFirst, isFormat } from './conv.js'
import { onesLike } from './creation.js'
import { add, divide, maximum } from './elementwise.js'
import { type Like, type Operand, operateOne } from './operation.js'
import { slice } from './shaping.js'

export interface PoolOptions {
  /** One for each axis, or one for all. Default: the size of the window. */
  strides?: number | readonly number[] | null
  /** `'same'` pads to as many outputs as inputs (by strides); what is padded counts nowhere. Default `'valid'`. */
  padding?: 'valid' | 'same'
  /** Whether channels are the last axis, or axis 1. Default `'channelsLast'`. */
  dataFormat?: 'channelsLast' | 'channelsFirst' | 'channels_last' | 'channels_first'
}

/** The largest numbers of windows that slide over `x` `[batch, ...axes, channels]`, whose sizes must be known. */
export function maxPool<X extends Operand>(
  x: X,
  poolSize: number | readonly number[],
  options: PoolOptions = {},
): Like<X> {
  return pool('maxPool', x, poolSize, options, (x, windows) => windows(x, Number.NEGATIVE_INFINITY, maximum))
}

/** The means of windows that slide over `x` `[batch, ...axes, channels]`, whose sizes must be known. */
export function averagePool<X extends Operand>(
  x: X,
  poolSize: number | readonly number[],
  options: PoolOptions = {},
): Like<X> {
  return pool('averagePool', x, poolSize, options, (x, windows) =>
    // how many numbers are summed depends on the sizes alone
    divide(windows(x, 0, add), windows(onesLike(x), 0, add)),
  )
}

type Combine = (a: SymbolicTensor, b: SymbolicTensor) => SymbolicTensor

function pool<X extends Operand>(
  name: string,
  x: X,
  poolSize: number | readonly number[],
  { strides, padding = 'valid', dataFormat = 'channelsLast' }: PoolOptions,
  compute: (
    x: SymbolicTensor,
    windows: (x: SymbolicTensor, empty: number, combine: Combine) => SymbolicTensor,
  ) => SymbolicTensor,
): Like<X> {
  if (padding !== 'valid' && padding !== 'same') throw mustBe(name, 'padding', 'valid or same', padding)
  if (!isFormat(dataFormat)) throw mustBe(name, 'dataFormat', 'channelsLast or channelsFirst', dataFormat)
  return operateOne(name, [x], ([x]) => {
    const axes = x!.rank - 2
    if (axes < 1 || axes > 3) throw mustBe(name, 'x', '[batch, 1 to 3 axes, channels]', x, ShapeError)
    const sizes = each(name, 'poolSize', poolSize, axes)
    const steps = each(name, 'strides', strides ?? sizes, axes)
    const first = isChannelsFirst(dataFormat) ? 2 : 1
    const outer = sizes.map((size, i) => {
      const known = x!.shape[first + i]
      if (known == null || (padding === 'valid' && known < size))
        throw mustBe(name, 'x', `of known sizes, at least those of the window ${show(sizes)}`, x, ShapeError)
      const made = Math.ceil((padding === 'same' ? known : known - size + 1) / steps[i]!)
      const missing = Math.max(0, (made - 1) * steps[i]! + size - known)
      return {
        made,
        pad: padding === 'same' ? ([missing >> 1, missing - (missing >> 1)] as const) : ([0, 0] as const),
      }
    })
    // every place in a window, the last axis fastest
    const places = sizes.reduce<number[][]>(
      (all, size) => all.flatMap(place => Array.from({ length: size }, (_, i) => [...place, i])),
      [[]],
    )
    const ahead = Array<number>(first).fill(0)
    return compute(cast(x!, 'float32'), (x, empty, combine) => {
      const around = x.shape.map((_, axis) => outer[axis - first]?.pad ?? ([0, 0] as const))
      const whole = pad(x, around, 'constant', empty)
      return places
        .map(place =>
          slice(
            whole,
            [...ahead, ...place],
            [...ahead.map(() => null), ...outer.map(({ made }, i) => (made - 1) * steps[i]! + 1)],
            [...ahead.map(() => 1), ...steps],
          ),
        )
        .reduce(combine)
    })
  })
}
