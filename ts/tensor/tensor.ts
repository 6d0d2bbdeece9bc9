/// <reference lib="esnext.disposable" preserve="true" />
/** Tensors: with data in the engine's memory, or only their shape while a model is described. */
import { currentEngine, Engine } from '../engine/engine.js'
import {
  currentTrace,
  type Disposes,
  disposeSymbol,
  made,
  Resource,
  scope,
  within,
} from '../engine/handle.js'
import {
  ArgumentError,
  currentLayer,
  DisposedError,
  type LayerRnnError,
  mustBe,
  ShapeError,
  show,
  TraceError,
} from '../errors.js'
import { type ArrayLike, convert, type Values } from './convert.js'
import { NdArray, type NestedArray, nest, only } from './ndarray.js'
import { inspectSymbol, type Print } from './printed.js'
import { type Data, type DType, type Floats, fits, kindOf, known, list, type Shape, sizeOf } from './shape.js'

/** A value with a shape and a dtype, and perhaps no data yet. Unknown sizes are null. */
export class SymbolicTensor {
  readonly shape: Shape
  readonly dtype: DType

  constructor(shape: Shape, dtype: DType) {
    this.shape = shape
    this.dtype = dtype
  }

  /** Number of axes. */
  get rank(): number {
    return this.shape.length
  }

  /** A copy of the numbers. Symbolic tensors have none: a TraceError. */
  data(): Floats
  /** The same of another dtype: `data<Int32Array>()`. */
  data<D extends Data>(): D
  data(): Data {
    return this.numbers('data()').data
  }

  /** The numbers as nested arrays. Symbolic tensors have none: a TraceError. */
  array(): NestedArray {
    return this.numbers('array()').array()
  }

  /** The only number. Symbolic tensors have none: a TraceError. */
  item(): number | boolean {
    return this.numbers('item()').item()
  }

  /** The numbers, where there are any. */
  protected numbers(what: string): NdArray<Data> {
    throw this.unreadable(what)
  }

  /** Tensors are no numbers: `a + b` throws and names `ops.add(a, b)`. */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === 'string') return this.toString()
    throw this.unreadable('JavaScript arithmetic')
  }

  toString(): string {
    return `tensor ${this.dtype} ${show(this.shape)}`
  }

  protected unreadable(what: string): LayerRnnError {
    const layer = currentLayer()
    return new TraceError(
      `${layer ? `${layer}: ` : ''}${what} needs values, and there are none while a model is described or traced. ` +
        'Compute with ops (ops.add(a, b) for a + b) and choose with ops.where(condition, a, b)',
      { layer, actual: this.toString() },
    )
  }

  /** @internal */
  [inspectSymbol](_depth?: number, _options?: object, _print?: Print): string {
    return String(this)
  }
}

/** Numbers in the engine's memory. Dispose it, declare it with `using`, or make it inside a `scope`. */
export class Tensor extends SymbolicTensor implements Disposes {
  declare readonly shape: readonly number[]
  declare readonly [Symbol.dispose]: () => void
  readonly engine: Engine
  readonly #resource: Resource

  /** Takes over a tensor of the engine. @internal */
  constructor(engine: Engine, id: number, shape: readonly number[], dtype: DType) {
    super(shape, dtype)
    if (!(engine instanceof Engine))
      throw mustBe('Tensor', 'engine', 'an engine: tensors are made by tensor(data, shape)', engine)
    this.engine = engine
    this.#resource = new Resource(this, engine, 'tensor', id)
  }

  /** The engine's number; a DisposedError when it is gone. @internal */
  get id(): number {
    return this.#resource.idFor(this)
  }

  get disposed(): boolean {
    return !this.#resource.alive
  }

  /** Frees the memory. Twice is harmless. */
  dispose(): void {
    this.#resource.free()
  }

  /** The numbers where they are. Any call of the engine may move them, so this is not to be kept. @internal */
  view<D extends Data = Floats>(): D {
    const { engine, id } = this
    const pointer = engine.address('tensor_pointer', id)
    return new (kindOf(this.dtype).Array)(engine.raw.memory.buffer, pointer, sizeOf(this.shape)) as D
  }

  /** Writes all numbers. @internal */
  write(values: Data): void {
    this.view<Data>().set(values)
    this.engine.call('tensor_changed', this.id)
  }

  /** Another number after every `write` and every run that assigns the tensor. @internal */
  get version(): number {
    return this.engine.call('tensor_version', this.id)
  }

  /** Makes sure that the numbers are there. @internal */
  ready(): this {
    if (this.disposed) throw new DisposedError(`${this} has been disposed`, { actual: this.toString() })
    return this
  }

  override data(): Floats
  override data<D extends Data>(): D
  override data(): Data {
    return this.ready().view<Data>().slice()
  }

  override array(): NestedArray {
    return nest(this.ready().view<Data>(), this.shape, this.dtype)
  }

  override item(): number | boolean {
    return only(this.ready().view<Data>(), this.shape, this.dtype)
  }

  /** A copy outside the engine, with nothing to dispose. */
  read<D extends Data = Floats>(): NdArray<D> {
    return new NdArray(this.data<D>(), this.shape)
  }

  protected override unreadable(what: string): LayerRnnError {
    return new ArgumentError(
      `${what} does not work on a tensor; use ops, as ops.add(a, b), or the numbers of data()`,
      {
        actual: this.toString(),
      },
    )
  }

  /** @internal */
  [disposeSymbol](): void {
    this.dispose()
  }

  /** Printing draws no first values, and does not fail. @internal */
  override [inspectSymbol](_depth: number, options: object, print: Print): string {
    const hidden = this.disposed || this.engine.failed || (this instanceof Variable && !this.initialized)
    return hidden ? String(this) : `${this} ${print(this.array(), options)}`
  }
}

/** A zeroed tensor that no scope knows. @internal */
export function allocate(engine: Engine, shape: readonly number[], dtype: DType, what: string): number {
  engine.send(known(shape, what))
  return engine.make(what, 'tensor_new', [kindOf(dtype).code, shape.length])
}

/**
 * Numbers as a tensor of the current engine.
 *
 * @param data A number, nested arrays, a typed array or an NdArray. Float64 and integers are converted.
 * @param shape The sizes; at most one null, found from the number of elements. Default: that of the nesting.
 * @param dtype Default: bool for booleans, int32 for integer typed arrays, float32 for the rest.
 */
export function tensor(data: ArrayLike | Tensor, shape?: Shape, dtype?: DType): Tensor {
  const nulls = list(call, 'shape', shape ?? []).filter(size => size === null).length
  if (nulls > 1) throw mustBe(call, 'shape', 'known but for one size', shape, ShapeError)
  return fromValues(
    currentEngine(),
    convert(data instanceof Tensor ? data.read() : data, { shape, dtype, what: `${call}: data` }),
  )
}

/** Says what goes where to who gave an object of options. */
const call = 'tensor(data, shape, dtype)'

/** A tensor with these numbers. @internal */
export function fromValues(engine: Engine, { data, shape, dtype }: Values): Tensor {
  const result = new Tensor(engine, allocate(engine, shape, dtype, 'tensor'), shape, dtype)
  made(result)
  result.write(data)
  return result
}

/** The int32 numbers 0, 1, … in this shape, made where they stay: a size that is too large finds no room in the engine. @internal */
export function counting(engine: Engine, shape: readonly number[]): Tensor {
  const result = new Tensor(engine, allocate(engine, shape, 'int32', 'tensor'), shape, 'int32')
  made(result)
  result.view<Int32Array>().forEach((_, i, all) => {
    all[i] = i
  })
  return result
}

export interface VariableOptions {
  name: string
  shape: readonly number[]
  /** Default float32. */
  dtype?: DType
  /** Default true. */
  trainable?: boolean
  /** Makes the first values, when they are first needed. Default: zeros. */
  initializer?: () => Tensor | ArrayLike
  /** Default: the current engine. */
  engine?: Engine
}

/** A weight or a state: it outlives runs, has a name, and is freed only by `dispose`. */
export class Variable extends Tensor {
  readonly name: string
  trainable: boolean
  #initializer: (() => Tensor | ArrayLike) | undefined

  constructor({
    name,
    shape,
    dtype = 'float32',
    trainable = true,
    initializer,
    engine = currentEngine(),
  }: VariableOptions) {
    super(engine, allocate(engine, shape, dtype, name), shape, dtype)
    this.name = name
    this.trainable = trainable
    this.#initializer = initializer
  }

  /** Whether the first values were made or given. */
  get initialized(): boolean {
    return this.#initializer === undefined
  }

  /** Draws the first values if that is still to be done. @internal */
  override ready(): this {
    super.ready()
    const initializer = this.#initializer
    // Drawn at once even in the middle of a trace, and whatever the drawing leaves behind is freed.
    if (initializer) within({}, () => this.engine.use(() => scope(() => void this.set(initializer()))))
    return this
  }

  /**
   * Sets all numbers; the shape must be the variable's, or the numbers bare. While a model is traced: says what the variable
   * will be after each run, a tensor of its shape, no size of which is unknown. The code that says so still reads what it was before, and
   * the last of its assignments counts; layers, loops and choices that begin later, and all code after one that assigned it, read the
   * new value.
   */
  assign(values: SymbolicTensor | ArrayLike): this {
    const trace = currentTrace()
    if (!trace) return this.set(values)
    const { shape, dtype, name, engine } = this
    if (values instanceof SymbolicTensor) {
      // a size that is not known, as that of the rows, may be another one in the next run
      if (values.shape.includes(null) || !fits(shape, values.shape))
        throw mustBe(name, 'value', `of shape ${show(shape)}`, values, ShapeError)
      if (dtype !== values.dtype) throw mustBe(name, 'value', dtype, values)
      trace.say(this, values)
    } else trace.say(this, fromValues(engine, convert(values, { shape, dtype, what: name })))
    return this
  }

  /** Sets all numbers now, even in the middle of a trace. @internal */
  set(values: SymbolicTensor | ArrayLike): this {
    const { shape, dtype, name } = this
    const symbolic = values instanceof SymbolicTensor
    // one without numbers says so
    const given = symbolic ? new NdArray(values.data<Data>(), values.shape as readonly number[]) : values
    this.write(convert(given, { shape, dtype, what: name }).data)
    this.#initializer = undefined
    return this
  }

  override toString(): string {
    return `variable ${this.name} ${show(this.shape)}`
  }
}
