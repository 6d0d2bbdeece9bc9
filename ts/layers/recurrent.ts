/** The recurrent layers' common part: order, masks, initial states, what is returned; the cells do the steps. */
import { type Cell, cellsOf } from '../cells/cell.js'
import { ArgumentError, ShapeError, UnsupportedError } from '../errors.js'
import { transpose, zeros } from '../ops/index.js'
import { Trace, type TracedTensor } from '../ops/trace.js'
import type { NdArray } from '../tensor/ndarray.js'
import { type Data, isSize, type Shape } from '../tensor/shape.js'
import { SymbolicTensor } from '../tensor/tensor.js'
import type { Call } from './apply.js'
import type { SizeOptions } from './given_shape.js'
import { isShape, mapShapes } from './input_spec.js'
import { Layer } from './layer.js'
import type { CallOptions, LayerOptions } from './layer_options.js'
import { choice, count, type Fields, flag, nullable, reject, sparing, unwritten } from './options.js'
import { needsBatch, notStateful, type Reset, resetAll } from './reset.js'
import { allFirstStates, firstStates, runCells, takesTimeFirst } from './sequence.js'
import { type StateSize, stateList, stateShapes } from './state_size.js'
import { CarriedStates } from './stateful.js'
import { checkMixed, isTimed, matchStates, rowStates } from './states.js'
import { isPlain, leaves, mapNested, type Nested, pack } from './structure.js'
import type { Applicable, Output } from './types.js'
import { checkSteps, isTensorList, type Leaf, toConstants, toLeaf } from './values.js'

/** Options of every recurrent layer. */
export interface RecurrentOptions extends LayerOptions {
  /** All outputs `[batch, time, units]` instead of the last `[batch, units]`. Default false. */
  returnSequences?: boolean
  /** Also the last states: `[output, ...states]` in the structure of `stateSize`. Default false. */
  returnState?: boolean
  /** From the last step to the first; outputs stay in the order in which they were computed. Default false. */
  goBackwards?: boolean
  /**
   * Each call goes on from the states that the last one left, row by row, until `resetStates`. The batch is fixed: by
   * `batchInputShape`, `Input({ batchShape })` or the first call. Default false.
   */
  stateful?: boolean
  /** Says that the number of steps is known. The same numbers; a custom cell's `call` runs once for each step. Default false. */
  unroll?: boolean
  /** Inputs, masks and all outputs are `[time, batch, ...]`. Default false. */
  timeMajor?: boolean
  /** Masked steps put out zeros instead of the output before. Default false. */
  zeroOutputForMask?: boolean
  /** Features, for the first layer of a Sequential: the same as `inputShape: [inputLength, inputDim]`, null where not given. */
  inputDim?: number
  inputLength?: number | null
}

/** Options of a recurrent layer's `apply`. */
export interface RecurrentCallOptions extends CallOptions {
  /** Instead of zeros: tensors or arrays `[batch, units]`, in the structure of `stateSize` or as a flat list. */
  initialState?: Applicable | null
  /**
   * A tensor, or a list of tensors, arrays and numbers, which the cell is given at every step: by rows where the first size is the
   * batch, otherwise the same for all rows. No built-in cell uses any.
   */
  constants?: Applicable | null
}

export const recurrentFields: Fields = {
  returnSequences: flag(false),
  returnState: flag(false),
  goBackwards: flag(false),
  stateful: flag(false),
  unroll: flag(false),
  timeMajor: sparing(flag(false)),
  zeroOutputForMask: flag(false),
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

/** What `call` is given. */
interface TracedOptions {
  mask?: SymbolicTensor
  initialState?: Nested<SymbolicTensor>
  constants?: readonly TracedTensor[]
  training?: boolean
}

// biome-ignore lint/suspicious/noExplicitAny: a variable of the plain type holds the layer whatever its options
export abstract class RecurrentLayer<O = any, S = unknown> extends Layer {
  static override readonly sizeOptions: SizeOptions = {
    rank: 3,
    axes: { batchSize: 0, inputLength: 1, inputDim: -1 },
  }
  static override readonly callOptions: readonly string[] = ['mask', 'training', 'initialState', 'constants']

  declare readonly $returns: { options: O; states: S }
  declare readonly cell: Cell
  declare readonly returnSequences: boolean
  declare readonly returnState: boolean
  declare readonly goBackwards: boolean
  declare readonly stateful: boolean
  declare readonly unroll: boolean
  declare readonly timeMajor: boolean
  declare readonly zeroOutputForMask: boolean
  /** How many of the tensors in a list `[x, ...states, ...constants]` are constants. */
  declare readonly numConstants?: number
  declare readonly batchSize: number | null
  declare readonly inputDim: number | null
  declare readonly inputLength: number | null

  override supportsMasking = true
  override readonly mixesTime = true
  #carried: CarriedStates | undefined

  override get streams(): boolean {
    return true
  }

  override get carries(): boolean {
    return this.stateful
  }

  override get unrolls(): boolean {
    return this.unroll
  }

  override get batchAxis(): number {
    return this.timeMajor ? 1 : 0
  }

  get stateSize(): StateSize {
    return this.cell.stateSize
  }

  /** The shapes of the states, `[batch, units]` each, in the structure of `stateSize`. */
  get stateSpec(): Nested<Shape> {
    return pack(
      this.stateSize,
      stateShapes(this.stateSize).map(size => [null, ...size]),
    )
  }

  /** The states that a stateful layer carries, in the structure of `stateSize`; nulls before it has a batch. */
  get states(): Nested<NdArray<Data> | null> {
    const known = this.#carried?.read()
    return known ? pack(this.stateSize, known) : mapNested(this.stateSize, () => null)
  }

  /** Of inputs in an array or an object, `inputShape` has that form too. */
  override build(inputShape: Nested<Shape>): void {
    const nested = !isShape(inputShape)
    const shapes: Shape[] = []
    mapShapes(inputShape, shape => shapes.push(shape))
    const odd = shapes.find(({ length }) => length < (nested ? 2 : 3))
    if (odd || shapes.length === 0) {
      throw new ShapeError(`${this.name} needs [batch, time, features]`, {
        layer: this.name,
        argument: 'inputs',
        expected: 3,
        actual: odd,
      })
    }
    const { batchAxis, stateful } = this
    const [first] = shapes as [Shape]
    const [batch, step] = [first[batchAxis]!, first.slice(2)]
    if (stateful && batch === null) throw needsBatch(this.name)
    const steps = mapShapes(inputShape, shape => [batch, ...shape.slice(2)])
    if (this.cell instanceof Layer) this.cell.build(steps as Shape)
    if (stateful) this.#carried = this.owns(new CarriedStates(this, batch!, step))
    const features = first.at(-1)
    const axes: Record<number, number> = {}
    if (stateful) axes[batchAxis] = batch!
    if (features && this.inputSpec?.ndim === 3) axes[2] = features
    if (!nested) this.inputSpec = { ...this.inputSpec, axes }
  }

  /** What the states are before the first step: `batchSize` rows, or those of `inputs`, in the structure of `stateSize`. */
  getInitialState(batch: number | SymbolicTensor | { inputs: SymbolicTensor }): Nested<SymbolicTensor> {
    const given = isPlain(batch) ? batch.inputs : batch
    const inputs = isSize(given) ? zeros([given, 1, 1]) : given
    if (inputs instanceof SymbolicTensor && inputs.rank > 1)
      return pack(this.stateSize, allFirstStates(this.cell, given === inputs ? this.#turn(inputs) : inputs))
    return reject({ layer: this.name, argument: 'batchSize' }, 'a size, or inputs', batch)
  }

  /** Between `[batch, time, ...]` and the order of the inputs. */
  #turn<X extends SymbolicTensor>(x: X): X {
    const rest = x.shape.slice(2).map((_, i) => i + 2)
    return this.timeMajor ? (transpose(x, [1, 0, ...rest]) as unknown as X) : x
  }

  /**
   * Sets the states of a stateful layer.
   *
   * @param states In the structure of `stateSize` or as a flat list. Default: what the cell starts from.
   */
  resetStates(states?: unknown): void {
    resetAll(this.resets(states))
  }

  /** The same as `resetStates`. */
  resetState(states?: unknown): void {
    this.resetStates(states)
  }

  override resets(states?: unknown): Reset[] {
    this.needStates()
    return this.#carried!.resets(states)
  }

  /** Makes sure that it carries states: the shape that it was given is enough to build it. */
  protected needStates(): void {
    this.checkAlive()
    if (!this.stateful) throw notStateful(this.name)
    const { batchInputShape: shape } = this
    if (!this.built && shape?.[this.batchAxis]) this.build(shape)
    if (!this.built) throw needsBatch(this.name)
  }

  /** Applies the layer; a list `[x, ...states, ...constants]` says the same as `initialState` and `constants`. */
  override apply<X extends Applicable>(
    inputs: X,
    options: RecurrentCallOptions = {},
  ): Output<this['$returns'], X> {
    return super.apply(inputs, options)
  }

  /** List inputs become `x` with `initialState` and `constants`; states get the structure of `stateSize`. */
  override prepare(inputs: unknown, { constants, initialState, ...options }: RecurrentCallOptions): Call {
    const layer = this.name
    const [x, ...listed] = isTensorList(inputs) ? inputs : [inputs]
    for (const [argument, value] of Object.entries({ initialState, constants })) {
      if (listed.length === 0 || value === undefined) continue
      throw new ArgumentError(`${layer}: states and constants are given in the list and as ${argument}`, {
        layer,
        argument,
      })
    }
    const call = super.prepare(x, options)
    const [{ shape = [] } = {}] = leaves(call.inputs as Nested<Leaf>)
    const { batchAxis, unroll } = this
    checkSteps(layer, shape, 1 - batchAxis)
    if (unroll && shape[1 - batchAxis] === null) {
      const expected = 'with a known number of steps, as unroll says'
      reject({ layer, argument: 'inputs' }, expected, shape, ShapeError)
    }
    const split = listed.length - Math.min(this.numConstants ?? 0, listed.length)
    const states = split > 0 ? listed.slice(0, split) : (initialState ?? undefined)
    const fixed = split < listed.length ? listed.slice(split) : toConstants(layer, constants)
    const matched = states === undefined ? [] : matchStates(this, states, shape[batchAxis])
    const kept = fixed.map((value, i) => toLeaf(layer, 'constants', value, 'float32', `constant ${i}`))
    checkMixed(layer, { initialState: matched, constants: kept })
    const own = {
      ...(states !== undefined && { initialState: pack(this.stateSize, matched) }),
      ...(fixed.length > 0 && { constants: kept }),
    }
    return { ...call, options: { ...call.options, ...own } }
  }

  override call(
    inputs: Nested<SymbolicTensor>,
    { mask, initialState, constants = [], training = false }: TracedOptions = {},
  ): Nested<SymbolicTensor> {
    const { returnSequences: all, goBackwards: backward, stateful, timeMajor, unroll } = this
    const cells = cellsOf(this.cell)
    const streaming = isStreaming()
    if (streaming && timeMajor && leaves(inputs).some(isTimed)) throw cannotStream(this.name, 'timeMajor')
    const carried = stateful && !streaming ? this.#carried : undefined
    const direct = timeMajor && takesTimeFirst(cells, training)
    const turn = <X extends SymbolicTensor>(x: X): X => (direct ? x : this.#turn(x))
    const turned = mapNested(inputs, x => turn(x as TracedTensor)) as Nested<TracedTensor>
    const given = (initialState && leaves(initialState)) ?? carried?.current ?? firstStates(cells, turned)
    const rows = rowStates(this, leaves(inputs)[0]!, given)
    if (rows && backward) throw cannotStream(this.name, 'goBackwards', 'it starts at the end')
    const result = runCells(this, cells, turned, {
      states: rows?.before ?? given,
      mask: mask && turn(mask),
      timeMajor: direct,
      backward,
      all,
      zeroOutput: this.zeroOutputForMask,
      unroll,
      training,
      constants,
      stream: rows,
    })
    rows?.after(result.states)
    carried?.carry(result.states)
    const output = all ? mapNested(result.output, y => turn(y as SymbolicTensor)) : result.output
    if (!this.returnState) return output
    return [output, ...stateList(pack(this.stateSize, result.states))]
  }

  override computeMask(
    _inputs: SymbolicTensor,
    mask?: SymbolicTensor | null,
  ): Nested<SymbolicTensor | null | undefined> {
    const kept = this.returnSequences ? mask : null
    return this.returnState ? [kept, ...stateList(this.stateSize).map(() => null)] : kept
  }
}

/** Whether a stream is traced: it has states of its own. */
export function isStreaming(): boolean {
  const phase = Trace.current()?.phase
  return phase === 'stream' || phase === 'start'
}

function cannotStream(layer: string, argument: string, why = ''): UnsupportedError {
  const message = `${layer} cannot stream with ${argument}${why && `: ${why}`}`
  return new UnsupportedError(message, { layer, argument })
}
