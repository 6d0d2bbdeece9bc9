/** Convolutions over one to three axes. */
import { mustBe, ShapeError, show } from '../errors.js'
import { Op } from '../generated/enums.js'
import { counts, isCount } from '../tensor/shape.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import { cast } from './cast.js'
import { type Like, type Operand, operateOne } from './operation.js'
import { concatenate, reshape, split, transpose } from './shaping.js'

export interface ConvOptions {
  /** One for each axis, or one for all. Default 1. */
  strides?: number | readonly number[]
  /** `'same'` pads with zeros to as many outputs as inputs (by strides), `'causal'` only in front, along one axis. Default `'valid'`. */
  padding?: 'valid' | 'same' | 'causal'
  /** Whether channels are the last axis, or axis 1. Default `'channelsLast'`. */
  dataFormat?: 'channelsLast' | 'channelsFirst' | 'channels_last' | 'channels_first'
  /** How far apart the kernel's places are. Default 1. */
  dilationRate?: number | readonly number[]
}

const paddings = ['valid', 'same', 'causal']
const formats = /^channels_?(last|first)$/i

/** Whether it says where channels are. */
export const isFormat = (format: string): boolean => formats.test(format)

/** Whether channels are axis 1. */
export const isChannelsFirst = (format: string): boolean => /first$/i.test(format)

/**
 * `x` `[batch, ...axes, channels]` convolved along its axes with a kernel `[...sizes, channels, filters]`, which is not turned
 * round. A kernel of fewer channels goes over groups of them. Each sum starts with the bias, if there is one.
 */
export function conv<X extends Operand, K extends Operand>(
  x: X,
  kernel: K,
  options: ConvOptions = {},
  bias?: Operand | null,
): Like<X | K> {
  const { strides = 1, padding = 'valid', dataFormat = 'channelsLast', dilationRate = 1 } = options
  const operands = bias ? [x, kernel, bias] : [x, kernel]
  const roles = ['x', 'kernel', 'bias']
  const body = ([x, kernel, bias]: readonly SymbolicTensor[]) => {
    const axes = x!.rank - 2
    const sizes = kernel!.shape as readonly number[]
    if (axes < 1 || axes > 3) throw mustBe('conv', 'x', '[batch, 1 to 3 axes, channels]', x, ShapeError)
    if (sizes.length !== x!.rank || sizes.some(size => !size))
      throw mustBe('conv', 'kernel', `${axes} sizes, channels and filters`, kernel, ShapeError)
    if (!(paddings.includes(padding) && (padding !== 'causal' || axes === 1)))
      throw mustBe('conv', 'padding', axes === 1 ? paddings.join(', ') : 'valid or same', padding)
    if (!isFormat(dataFormat)) throw mustBe('conv', 'dataFormat', 'channelsLast or channelsFirst', dataFormat)
    const steps = each('conv', 'strides', strides, axes)
    const dilation = each('conv', 'dilationRate', dilationRate, axes)
    const order = Array.from({ length: axes }, (_, i) => i + 1)
    const first = isChannelsFirst(dataFormat)
    const last = cast(first ? transpose(x!, [0, ...order.map(axis => axis + 1), 1]) : x!, 'float32')
    const [channels, filters] = sizes.slice(-2) as [number, number]
    const groups = (last.shape.at(-1) ?? channels) / channels
    if (!Number.isInteger(groups) || groups === 0 || filters % groups !== 0) {
      const expected = `of channels and filters that go with ${show(last.shape.at(-1))} channels`
      throw mustBe('conv', 'kernel', expected, kernel, ShapeError)
    }
    const parts = (value: SymbolicTensor) => (groups > 1 ? split(value, groups, -1) : [value])
    const matrices = parts(reshape(cast(kernel!, 'float32'), [-1, filters]))
    const biases = bias && parts(cast(bias, 'float32'))
    const geometry = order.flatMap(axis => [sizes[axis - 1]!, steps[axis - 1]!, dilation[axis - 1]!])
    const attributes = [paddings.indexOf(padding), geometry.length, ...geometry]
    const made = parts(last).map((part, i) =>
      operateOne(
        'conv',
        [part, matrices[i]!, ...(biases ? [biases[i]!] : [])],
        (values, trace) => trace.emit(Op.Conv, values, attributes)[0]!,
        roles,
      ),
    )
    const y = groups > 1 ? concatenate<SymbolicTensor>(made) : made[0]!
    return first ? transpose(y, [0, axes + 1, ...order]) : y
  }
  return operateOne('conv', operands, body, roles) as Like<X | K>
}

/** One positive integer for each axis. */
export function each(
  name: string,
  argument: string,
  value: number | readonly number[],
  axes: number,
): readonly number[] {
  const list = typeof value === 'number' ? Array<number>(axes).fill(value) : value
  if (list?.length === axes && list.every(isCount)) return list
  throw mustBe(name, argument, `${counts}, or ${axes} of them`, value)
}
