/** Layers in a row. */
import { ArgumentError, ShapeError, StateError, show } from '../errors.js'
import { part } from '../installed.js'
import { attempt, undoing } from '../layers/attempt.js'
import { InputLayer } from '../layers/input.js'
import { Layer } from '../layers/layer.js'
import { assignNames } from '../layers/naming.js'
import { reject } from '../layers/options.js'
import { serialize, serializeInner } from '../layers/registry.js'
import { type DType, fits, type Shape } from '../tensor/shape.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import { KerasTensor } from './graph.js'
import { Model, type ModelOptions } from './model.js'
import { traverse } from './traverse.js'

export interface SequentialOptions {
  name?: string
  trainable?: boolean
}

/**
 * A model of layers in a row. It is built at once when the first layer says its input shape (`inputShape`, an
 * `InputLayer` or `Input(...)`, a model), otherwise by `build` or the first data.
 */
export class Sequential extends Model<SymbolicTensor> {
  static override readonly className: string = 'Sequential'
  static override readonly module: string = 'keras'
  #input: InputLayer | undefined
  #stack: Layer[] = []
  /** The input shape as far as the first layer says it, when that is not enough to build. */
  #partial: Shape | null = null
  /** What the layers give, as far as they are connected. */
  #outputs: KerasTensor[] = []

  constructor(layers: readonly (Layer | SymbolicTensor)[] = [], options: SequentialOptions = {}) {
    if (!Array.isArray(layers))
      reject({ layer: 'Sequential', argument: 'layers' }, 'an array of layers', layers)
    super(options as ModelOptions<SymbolicTensor>)
    attempt(() => {
      for (const layer of layers) this.#push(layer)
      this.#connect()
    })
  }

  /** The layers without the input. */
  override get layers(): readonly Layer[] {
    return this.#stack
  }

  override get sublayers(): Layer[] {
    return this.#input ? [this.#input, ...this.#stack] : [...(this.#stack ?? [])]
  }

  override get batchInputShape(): Shape | null {
    return this.#input?.batchShape ?? this.#partial
  }

  override get inputDtype(): DType {
    return this.#input?.dtype ?? this.#stack[0]?.inputDtype ?? 'float32'
  }

  /** Puts a layer behind the others; gives the model. */
  add(layer: Layer | SymbolicTensor): this {
    attempt(() => {
      this.#push(layer)
      this.#connect()
    })
    return this
  }

  /** Takes the last layer off and gives it back. */
  pop(): Layer {
    const last = this.#stack.pop()
    if (!last) throw new StateError(`${this.name} has no layers`, { layer: this.name })
    this.#connect()
    return last
  }

  /** Builds all layers for inputs of this shape, batch first. */
  override build(inputShape: Shape): void {
    const [first] = this.#stack
    if (!first) throw new StateError(`${this.name} has no layers`, { layer: this.name })
    const partial = this.#partial ?? inputShape
    if (!fits(partial, inputShape))
      reject({ layer: this.name, argument: 'inputs' }, show(partial), inputShape, ShapeError)
    const batchShape = inputShape.map((size, axis) => partial[axis] ?? size)
    this.#input = new InputLayer({ batchShape, dtype: first.inputDtype })
    undoing(() => {
      this.#input = undefined
      this.#outputs = []
      this.#connect()
    })
    this.#connect()
  }

  override getConfig(): Record<string, unknown> {
    return {
      name: this.name,
      trainable: this.trainable,
      layers: this.sublayers.map(this.#input ? serializeInner : serialize),
    }
  }

  static override fromConfig(config: Readonly<Record<string, unknown>>): Sequential {
    // biome-ignore lint/complexity/noThisInStatic: subclasses inherit this
    return part('readSequential')(this, config)
  }

  #push(layer: Layer | SymbolicTensor): void {
    const added = layer instanceof KerasTensor ? layer.node.layer : layer
    if (!(added instanceof Layer)) {
      throw new ArgumentError(`${this.name}: only layers can be added, not ${show(layer)}`, {
        layer: this.name,
        argument: 'layer',
        actual: layer,
      })
    }
    if (added instanceof InputLayer) {
      if (this.#input || this.#stack.length > 0) {
        throw new ArgumentError(`${this.name}: an input can only be the first`, {
          layer: this.name,
          argument: 'layer',
        })
      }
      this.#input = added
      return
    }
    const [input, partial] = [this.#input, this.#partial]
    undoing(() => {
      this.#stack.pop()
      this.#input = input
      this.#partial = partial
    })
    const shape = added.batchInputShape
    if (!this.#input && this.#stack.length === 0 && shape) {
      // Features that are not known yet wait for the first data.
      if (added.inputDtype === 'float32' && shape.at(-1) === null) this.#partial = shape
      else this.#input = new InputLayer({ batchShape: shape, dtype: added.inputDtype })
    }
    this.#stack.push(added)
  }

  /** Applies the layers that are not connected yet, as soon as the input is known. */
  #connect(): void {
    const input = this.#input?.output
    this.#outputs.length = Math.min(this.#outputs.length, this.#stack.length)
    if (!input || this.#stack.length === 0) {
      this.setGraph(undefined)
      assignNames(this.sublayers)
      return
    }
    for (const layer of this.#stack.slice(this.#outputs.length)) {
      const result: unknown = layer.apply(this.#outputs.at(-1) ?? input)
      if (!(result instanceof KerasTensor)) {
        throw new ArgumentError(`${this.name}: ${layer.name} has several outputs; a Sequential needs one`, {
          layer: layer.name,
          argument: 'layers',
        })
      }
      this.#outputs.push(result)
    }
    this.setGraph(traverse(input, this.#outputs.at(-1)))
  }
}
