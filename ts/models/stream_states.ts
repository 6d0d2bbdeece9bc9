/** What a stream remembers: a tensor for every state of every call of a recurrent layer, by the layers' names. */
import type { Engine } from '../engine/engine.js'
import type { Layer } from '../layers/layer.js'
import { unknownName } from '../layers/names.js'
import { reject } from '../layers/options.js'
import { type Stateful, splitStates } from '../layers/states.js'
import { isPlain, type Nested, pack } from '../layers/structure.js'
import { numbersOf } from '../layers/values.js'
import type { RowState } from '../ops/trace.js'
import type { NdArray } from '../tensor/ndarray.js'
import type { Data } from '../tensor/shape.js'
import type { Tensor } from '../tensor/tensor.js'
import { newTensor, resized } from './block.js'

/** States by the names of their layers, each in the structure of the layer's `stateSize`. */
export type States = Record<string, Nested<NdArray>>

/** A recurrent layer's states in one of its calls. */
interface Group {
  layer: Stateful
  tensors: Tensor[]
}

export class StreamStates {
  readonly #model: Layer
  readonly #engine: Engine
  /** How many rows there are. */
  readonly batch: number
  readonly #names: Map<object, string>
  #groups = new Map<string, Group>()
  /** Tensors that the last run has not written, each with the one that it is to equal. */
  late: readonly (readonly [Tensor, from: Tensor])[] = []

  constructor(model: Layer, engine: Engine, batch: number) {
    this.#model = model
    this.#engine = engine
    this.batch = batch
    this.#names = new Map(names(model))
  }

  /** The tensor of a state, zeros at first. States are met in their order. */
  tensor({ owner, name, shape, dtype }: RowState): Tensor {
    const [call, index] = name.split('/').map(Number) as [number, number]
    const layer = owner as Stateful
    const path = this.#names.get(layer) ?? this.#named(layer)
    const key = call === 0 ? path : `${path}:${call}`
    const group = this.#groups.get(key) ?? { layer, tensors: [] }
    this.#groups.set(key, group)
    const full = [this.batch, ...shape]
    group.tensors[index] ??= newTensor(this.#engine, { shape: full, dtype }, key)
    return group.tensors[index]
  }

  /** The name of a layer that no other layer is known to hold. */
  #named(layer: Stateful): string {
    const names = new Set(this.#names.values())
    let name = layer.name
    for (let i = 1; names.has(name); i++) name = `${layer.name}_${i}`
    this.#names.set(layer, name)
    return name
  }

  read(): States {
    const entries = [...this.#groups].map(([name, { layer, tensors }]) => {
      return [
        name,
        pack(
          layer.stateSize,
          tensors.map(tensor => tensor.read()),
        ),
      ]
    })
    return Object.fromEntries(entries)
  }

  /** Writes what the last run has left. */
  settle(): void {
    if (this.late.length === 0) return
    for (const [tensor, from] of this.late) tensor.write(from.view<Data>())
    this.late = []
  }

  /** Sets the states of the layers that are named. */
  write(values: Readonly<Record<string, unknown>>): void {
    this.settle()
    for (const [tensor, data] of this.#checked(values)) tensor.write(data)
  }

  /** Sets all states: where nothing is given to what they start from, or zeros. */
  reset(values: Readonly<Record<string, unknown>>, starts: readonly [Tensor, Data][]): void {
    const given = this.#checked(values)
    this.late = []
    for (const tensor of this.#tensors()) tensor.view<Data>().fill(0)
    for (const [tensor, data] of [...starts, ...given]) tensor.write(data)
  }

  /** The states in `values` with their tensors; nothing is changed when one does not fit. */
  #checked(values: Readonly<Record<string, unknown>>): [Tensor, Data][] {
    const layer = this.#model.name
    if (!isPlain(values)) reject({ layer, argument: 'states' }, 'an object of states by layer', values)
    return Object.entries(values).flatMap(([name, value]) => {
      const group = this.#groups.get(name)
      if (!group)
        throw unknownName(layer, 'states', ': the stream has no states of', name, [...this.#groups.keys()])
      const { stateSize } = group.layer
      const parts = splitStates({ name, stateSize }, 'states', value, this.batch)
      return parts.map((state, i): [Tensor, Data] => {
        const { shape, dtype } = group.tensors[i]!
        const what = `state ${i}`
        return [group.tensors[i]!, numbersOf(name, 'states', state, { shape, dtype, what }).data]
      })
    })
  }

  /** All tensors, in the order of the program, as they are after the last run. */
  get leaves(): Tensor[] {
    this.settle()
    return [...this.#tensors()]
  }

  /** The same for another number of rows, which hold what they held; new ones are zeros. */
  resized(batch: number): StreamStates {
    this.settle()
    const made = new StreamStates(this.#model, this.#engine, batch)
    try {
      for (const [name, { layer, tensors }] of this.#groups) {
        const group: Group = { layer, tensors: [] }
        made.#groups.set(name, group)
        for (const tensor of tensors) group.tensors.push(resized(tensor, batch, name))
      }
      return made
    } catch (error) {
      made.dispose()
      throw error
    }
  }

  dispose(): void {
    for (const tensor of this.#tensors()) tensor.dispose()
  }

  *#tensors(): Generator<Tensor> {
    for (const { tensors } of this.#groups.values()) yield* tensors
  }
}

/** Layers with their names, those inside models and layers with the outer name in front: `encoder/lstm`. */
function* names(layer: Layer, prefix = ''): Generator<[Layer, string]> {
  for (const inner of layer.sublayers) {
    yield [inner, prefix + inner.name]
    yield* names(inner, `${prefix}${inner.name}/`)
  }
}
