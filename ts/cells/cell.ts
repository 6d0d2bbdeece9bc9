/** The base of recurrent cells: one step, `call(inputs, states) -> [output, newStates]`. */
import { UnsupportedError } from '../errors.js'
import { part } from '../installed.js'
import { Layer } from '../layers/layer.js'
import type { LayerOptions } from '../layers/layer_options.js'
import { type OutputSize, outputShapes, type StateSize, stateShapes } from '../layers/state_size.js'
import type { Nested } from '../layers/structure.js'
import { onceIn } from '../ops/cell_call.js'
import { ones } from '../ops/creation.js'
import { hasRows } from '../ops/rows.js'
import type { SeedGenerator } from '../ops/seed_generator.js'
import type { Sizes } from '../ops/shaping.js'
import { type Dim, sizeAlong, TracedTensor } from '../ops/trace.js'
import type { WholeShape } from '../tensor/shape.js'
import type { SymbolicTensor, Tensor } from '../tensor/tensor.js'

/** What a cell is asked for its first states with. */
export interface InitialStateOptions {
  /** The sequences, `[batch, time, ...]`. */
  inputs: SymbolicTensor
  /** As ops take it, `ops.zeros([batchSize, 8])`. */
  batchSize: number | Dim
  dtype: 'float32'
}

/** What a cell's `call` is given beside inputs and states. */
export interface CellCallOptions {
  training: boolean
  /** What the layer was applied with, the same at every step. */
  constants: readonly SymbolicTensor[]
}

/** What a recurrent layer runs: any object with `call` and `stateSize`; one without a class has nothing else than what is here. */
export interface Cell {
  readonly stateSize: StateSize
  /** Units of the output; an array is its shape without the batch. Default: the size of the first state. */
  readonly outputSize?: OutputSize
  // biome-ignore lint/suspicious/noExplicitAny: cells annotate what they take themselves
  call(inputs: any, states: any, ...rest: any[]): readonly unknown[]
  /** What the states are before the first step, in the structure of `stateSize`. Default: zeros. */
  // biome-ignore lint/suspicious/noExplicitAny: of the options a cell takes those that it needs
  getInitialState?(options: any): unknown
}

/** A cell that is no `RNNCell`: it has neither weights nor a config. */
export interface WeightlessCell extends Cell {
  readonly build?: never
  readonly addWeight?: never
  readonly getConfig?: never
}

/** A cell whose states have the structure `S`, a tensor for each: `RNNCell<[Tensor, Tensor]>`. */
export abstract class RNNCell<S = Tensor[]> extends Layer implements Cell {
  /** For types only: the states. */
  declare readonly $states: S
  /** Units of the states, in their structure; a list of states is an array. */
  declare stateSize: StateSize
  /** Units of the output. Default: the size of the first state. */
  declare outputSize?: OutputSize

  constructor(options: LayerOptions = {}) {
    super(options)
  }

  /** A cell alone is not applied: a layer runs it, `new RNN({ cell })`. */
  override apply(..._: unknown[]): never {
    throw new UnsupportedError(`${this.name}: a cell is run by a layer, as new RNN({ cell })`, {
      layer: this.name,
    })
  }

  /** The cells that run one after the other in its place. @internal */
  get flatCells(): readonly Cell[] {
    return [this]
  }

  /**
   * One step for `inputs` `[batch, features]`: the output and the new states. A cell with one state takes and returns
   * it in a list.
   */
  // biome-ignore lint/suspicious/noExplicitAny: cells annotate their inputs and states themselves
  abstract override call(inputs: any, states: any, ...rest: any[]): readonly unknown[]

  // biome-ignore lint/suspicious/noExplicitAny: of the options a cell takes those that it needs
  getInitialState?(options: any): unknown

  /**
   * What `call` multiplies its inputs with when training drops a share `rate` of them: the same mask at every step of a call,
   * another in each.
   */
  getDropoutMask(inputs: SymbolicTensor, rate: number): Tensor {
    return this.#mask('inputs', inputs, rate)
  }

  /** The same for the state, a mask of its own. */
  getRecurrentDropoutMask(state: SymbolicTensor, rate: number): Tensor {
    return this.#mask('state', state, rate)
  }

  #mask(name: string, like: SymbolicTensor, rate: number): Tensor {
    const shape = like.shape.slice(1) as number[]
    return onceIn(this, name, like, rows => dropoutMask(rows, shape, rate, this.#masks))
  }

  get #masks(): SeedGenerator {
    const { seedGenerator } = this as { seedGenerator?: SeedGenerator }
    return seedGenerator ?? this.drawsFrom()
  }
}

/** Ones with a share `rate` of them set to 0 and the rest scaled up, for rows as in `like`. @internal */
export function dropoutMask(like: SymbolicTensor, shape: Sizes, rate: number, seed: SeedGenerator): Tensor {
  const mask = part('dropout')(ones([sizeAlong(like, 0), ...shape]), rate, { seed })
  if (mask instanceof TracedTensor) hasRows(mask)
  return mask
}

/** The cells of a stack, inner stacks included; a cell alone is a stack of one. */
export function cellsOf(cell: Cell): readonly Cell[] {
  return cell instanceof RNNCell ? cell.flatCells : [cell]
}

/** What errors call a cell. */
export function cellName(cell: Cell): string {
  return cell instanceof Layer ? cell.name : 'cell'
}

/** The shape of a cell's output without the batch; of several outputs, in their structure. */
export function outputShape({ outputSize, stateSize }: Cell): Nested<WholeShape> {
  return outputShapes(outputSize ?? stateShapes(stateSize)[0] ?? [])
}
