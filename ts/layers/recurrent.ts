/** The recurrent layers' common part: order, masks, initial states, what is returned; the cells do the steps. */
import type { RNNCell } from '../cells/cell.js'
import { type StateSize, stateList } from '../cells/cell.js'
import { ArgumentError, ShapeError, UnsupportedError } from '../errors.js'
import type { Shape } from '../tensor/shape.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import type { Call } from './apply.js'
import { Layer } from './layer.js'
import type { CallOptions, LayerOptions } from './layer_options.js'
import { choice, count, type Fields, flag, nullable, only, sparing, unwritten } from './options.js'
import { cellsOf, runCells } from './sequence.js'
import { matchStates, rowStates } from './states.js'
import { leaves, type Nested, pack } from './structure.js'
import type { Applicable, Output } from './types.js'
import { checkSteps, isTensorList, type Leaf } from './values.js'

/** Options of every recurrent layer. */
export interface RecurrentOptions extends LayerOptions {
  /** All outputs `[batch, time, units]` instead of the last `[batch, units]`. Default false. */
  returnSequences?: boolean
  /** Also the last states: `[output, ...states]` in the structure of `stateSize`. Default false. */
  returnState?: boolean
  /** From the last step to the first; outputs stay in the order in which they were computed. Default false. */
  goBackwards?: boolean
  /** Only false so far. */
  stateful?: false
  /** Only false so far. */
  unroll?: false
  /** Only false so far. */
  timeMajor?: false
  /** Only false so far. */
  zeroOutputForMask?: false
  /** Features, for the first layer of a Sequential: the same as `inputShape: [inputLength ?? null, inputDim]`. */
  inputDim?: number
  inputLength?: number | null
}

/** Options of a recurrent layer's `apply`. */
export interface RecurrentCallOptions extends CallOptions {
  /** Instead of zeros: tensors or arrays `[batch, units]`, in the structure of `stateSize` or as a flat list. */
  initialState?: Applicable | null
  /** Only for cells that use them; no built-in cell does. */
  constants?: Applicable | null
}

export const recurrentFields: Fields = {
  returnSequences: flag(false),
  returnState: flag(false),
  goBackwards: flag(false),
  stateful: only(false, true),
  unroll: only(false, true),
  timeMajor: only(false),
  zeroOutputForMask: only(false, true),
  inputDim: unwritten(nullable(count())),
  inputLength: unwritten(nullable(count())),
}

/** Kept for Keras; it changes nothing here. */
export const useCudnn = sparing(choice<string | boolean>('auto', 'auto', true, false))

/** What a layer of one built-in cell hands on to that cell. */
export function cellOptions<T>(Cell: { readonly fields: Fields }, layer: Layer): T {
  const values = layer as unknown as Record<string, unknown>
  const own = Object.keys(Cell.fields).map(name => [name, values[name]])
  return { ...Object.fromEntries(own), trainable: layer.trainable } as T
}

export abstract class RecurrentLayer<O = RecurrentOptions, S = unknown> extends Layer {
  static override readonly callOptions: readonly string[] = ['mask', 'training', 'initialState', 'constants']

  declare readonly $returns: { options: O; states: S }
  declare readonly cell: RNNCell<unknown>
  declare readonly returnSequences: boolean
  declare readonly returnState: boolean
  declare readonly goBackwards: boolean
  declare readonly inputDim: number | null
  declare readonly inputLength: number | null

  override supportsMasking = true

  override get streams(): boolean {
    return true
  }

  get stateSize(): StateSize {
    return this.cell.stateSize
  }

  /** The shapes of the states, `[batch, units]` each, in the structure of `stateSize`. */
  get stateSpec(): Nested<Shape> {
    return pack(
      this.stateSize,
      leaves<number>(this.stateSize as Nested<number>).map(units => [null, units]),
    )
  }

  override get batchInputShape(): Shape | null {
    return super.batchInputShape ?? (this.inputDim === null ? null : [null, this.inputLength, this.inputDim])
  }

  override build(inputShape: Shape): void {
    if (inputShape.length < 3) {
      throw new ShapeError(`${this.name} needs [batch, time, features]`, {
        layer: this.name,
        argument: 'inputs',
        expected: 3,
        actual: inputShape,
      })
    }
    if (this.cell instanceof Layer) this.cell.build([inputShape[0]!, ...inputShape.slice(2)])
    const features = inputShape.at(-1)
    if (this.inputSpec?.ndim === 3 && features) this.inputSpec = { ndim: 3, axes: { 2: features } }
  }

  /** Applies the layer; `initialState` and a list `[x, ...states]` set the states to start from. */
  override apply<X extends Applicable>(
    inputs: X,
    options: RecurrentCallOptions = {},
  ): Output<this['$returns'], X> {
    return super.apply(inputs, options)
  }

  /** List inputs `[x, ...states]` become `x` with `initialState`; states get the structure of `stateSize`. */
  override prepare(inputs: unknown, { constants, initialState, ...options }: RecurrentCallOptions): Call {
    const layer = this.name
    if (constants !== undefined && constants !== null) {
      throw new ArgumentError(`${layer}: ${this.cell.className} does not use constants`, {
        layer,
        argument: 'constants',
      })
    }
    const [x, ...listed] = isTensorList(inputs) ? inputs : [inputs]
    if (listed.length > 0 && initialState !== undefined) {
      throw new ArgumentError(`${layer}: states are given in the list and as initialState`, {
        layer,
        argument: 'initialState',
      })
    }
    const call = super.prepare(x, options)
    const [{ shape = [] } = {}] = leaves(call.inputs as Nested<Leaf>)
    checkSteps(layer, shape)
    const given = listed.length > 0 ? listed : (initialState ?? undefined)
    if (given === undefined) return call
    const states = { initialState: pack(this.stateSize, matchStates(this, given, shape[0])) }
    return { ...call, options: { ...call.options, ...states } }
  }

  override call(
    inputs: SymbolicTensor,
    { mask, initialState }: { mask?: SymbolicTensor; initialState?: Nested<SymbolicTensor> } = {},
  ): Nested<SymbolicTensor> {
    const { returnSequences: all, goBackwards: backward } = this
    const given = initialState && leaves(initialState)
    const rows = rowStates(this, inputs, given)
    if (rows && backward) {
      const argument = 'goBackwards'
      const message = `${this.name} cannot stream with ${argument}: it starts at the end`
      throw new UnsupportedError(message, { layer: this.name, argument })
    }
    const states = rows?.before ?? given
    const result = runCells(this, cellsOf(this.cell), inputs, {
      states,
      mask,
      backward,
      all,
      stream: rows !== undefined,
    })
    rows?.after(result.states)
    if (!this.returnState) return result.output
    return [result.output, ...stateList(pack(this.stateSize, result.states))]
  }

  override computeMask(
    _inputs: SymbolicTensor,
    mask?: SymbolicTensor | null,
  ): Nested<SymbolicTensor | null | undefined> {
    const kept = this.returnSequences ? mask : null
    return this.returnState ? [kept, ...stateList(this.stateSize).map(() => null)] : kept
  }
}
