/** A layer for every time step on its own. */
import { any, reshape } from '../ops/index.js'
import { sizeAlong, TracedTensor } from '../ops/trace.js'
import type { Shape } from '../tensor/shape.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import { Layer } from './layer.js'
import type { InputSpec, LayerOptions } from './layer_options.js'
import { type Field, type Fields, reject, required } from './options.js'
import { make, serialize } from './registry.js'
import { isPlain, mapNested, type Nested } from './structure.js'

export interface TimeDistributedOptions<L extends Layer = Layer> extends LayerOptions {
  /** Its input is a step `[batch, ...]` of `[batch, time, ...]`. */
  layer: L
}

const inner: Field<Layer> = {
  default: required,
  read: (value, place) => {
    const layer = isPlain(value) && 'class_name' in value ? make(value) : value
    return layer instanceof Layer ? layer : reject(place, 'a layer', value)
  },
  write: serialize,
}

/** All steps are rows of one batch. Weights: those of the layer. */
export class TimeDistributed<const L extends Layer = Layer> extends Layer {
  static override readonly className: string = 'TimeDistributed'
  static readonly module: string = 'keras.layers'
  static override readonly fields: Fields = { layer: inner }
  declare readonly $returns: L['$returns']
  declare readonly layer: L
  override supportsMasking = true
  override inputSpec: InputSpec = { minNdim: 3 }

  constructor(options: TimeDistributedOptions<L>) {
    super(options)
  }

  override build(inputShape: Shape): void {
    const [batch, time, ...step] = inputShape
    const rows = batch == null || time == null ? null : batch * time
    this.layer.build([rows, ...step])
  }

  override get keepsMasks(): boolean {
    return true
  }

  override call(
    inputs: SymbolicTensor,
    { mask: given }: { mask?: TracedTensor } = {},
  ): Nested<SymbolicTensor> {
    const mask = given ?? (inputs as TracedTensor).mask
    const rows = (x: SymbolicTensor) => reshape(x, [-1, ...sizesFrom(x, 2)])
    const steps = (x: SymbolicTensor) => reshape(x, [...sizesFrom(inputs, 0, 2), ...sizesFrom(x, 1)])
    const inside = mask && mask.rank > 2 ? (rows(mask) as TracedTensor) : undefined
    const row = rows(inputs)
    const outputs = this.layer.apply(
      row instanceof TracedTensor ? row.withMask(inside) : row,
    ) as Nested<SymbolicTensor>
    return mapNested(outputs, leaf => {
      const y = leaf as SymbolicTensor
      const whole = steps(y)
      if (!(whole instanceof TracedTensor)) return whole
      const own = (y as TracedTensor).mask
      return whole.withMask(own ? (steps(own) as TracedTensor) : mask && stepMask(mask))
    })
  }
}

/** The sizes of the axes from `start` to before `end`. */
const sizesFrom = (x: SymbolicTensor, start: number, end?: number) =>
  x.shape.map((_, axis) => sizeAlong(x, axis)).slice(start, end)

/** Which steps have anything that counts. */
function stepMask(mask: TracedTensor): TracedTensor {
  return mask.rank > 2 ? stepMask(any(mask, -1) as TracedTensor) : mask
}
