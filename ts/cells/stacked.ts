/** Cells on top of each other, used as one: each takes the output of the one before. */
import { ArgumentError, UnsupportedError } from '../errors.js'
import { isShape } from '../layers/input_spec.js'
import { Layer } from '../layers/layer.js'
import type { LayerOptions } from '../layers/layer_options.js'
import { unknownName } from '../layers/names.js'
import { assignNames } from '../layers/naming.js'
import { type Fields, reject, required } from '../layers/options.js'
import { make, serialize } from '../layers/registry.js'
import { isStateSize, outputShapes, statesFor } from '../layers/state_size.js'
import { isPlain, leaves, mapNested, type Nested, pack } from '../layers/structure.js'
import type { StateList, StatesOf } from '../layers/types.js'
import { isWholeShape, type Shape, shape } from '../tensor/shape.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import { type Cell, cellsOf, outputShape, RNNCell } from './cell.js'

export interface StackedRNNCellsOptions<C extends readonly Cell[] = readonly Cell[]> extends LayerOptions {
  cells: C
}

/** The states are a list of those of the cells, in cell order. */
export class StackedRNNCells<const C extends readonly Cell[] = readonly Cell[]> extends RNNCell<StatesOf<C>> {
  static override readonly className = 'StackedRNNCells'
  static readonly module: string = 'keras.layers'
  static override readonly fields: Fields = {
    cells: {
      default: required,
      read: (value, place) => readCells(value, place.layer),
      write: cells => (cells as Cell[]).map(writeCell),
    },
  }
  declare readonly cells: C

  constructor(options: StackedRNNCellsOptions<C>) {
    super(options)
    if (this.cells.length === 0)
      throw new ArgumentError('StackedRNNCells needs at least one cell', { argument: 'cells' })
    assignNames(this.cells.filter(cell => cell instanceof Layer))
    this.stateSize = this.cells.map(cell => cell.stateSize)
    const output = outputShape(this.cells.at(-1)!)
    this.outputSize = isWholeShape(output) && output.length === 1 ? output[0]! : output
  }

  override get flatCells(): readonly Cell[] {
    return this.cells.flatMap(cellsOf)
  }

  override build(inputShape: Shape): void {
    let shapes: Nested<Shape> = inputShape
    const [batch = null] = isShape(inputShape) ? inputShape : []
    for (const cell of this.cells) {
      if (cell instanceof Layer) cell.build(shapes as Shape)
      shapes = mapNested(outputShape(cell), size => shape(batch, ...(size as Shape)))
    }
  }

  override call(
    inputs: SymbolicTensor,
    states: Nested<SymbolicTensor>,
    options?: unknown,
  ): [output: SymbolicTensor, states: StateList<StatesOf<C>, SymbolicTensor>] {
    let output = inputs
    const next = this.cells.map((cell, i) => {
      const own = leaves((states as readonly Nested<SymbolicTensor>[])[i]!)
      const [result, after] = cell.call(output, statesFor(cell.stateSize, own), options) as [
        SymbolicTensor,
        Nested<SymbolicTensor>,
      ]
      output = result
      return pack(cell.stateSize, leaves(after)) as Nested<SymbolicTensor>
    })
    return [output, next as unknown as StateList<StatesOf<C>, SymbolicTensor>]
  }
}

/** Checks that every entry is a cell; configs become cells. */
export function readCells(value: unknown, layer: string): Cell[] {
  if (!Array.isArray(value)) return notCell(layer, value)
  return value.map(cell => readCell(cell, layer))
}

export function readCell(value: unknown, layer: string): Cell {
  const cell = isPlain(value) && 'class_name' in value ? make(value) : value
  const { call, stateSize, outputSize } = (cell ?? {}) as Partial<Cell>
  // A recurrent layer has both too, from the cell that it runs.
  if (typeof call !== 'function' || stateSize === undefined || 'cell' in (cell as object))
    return notCell(layer, value)
  if (!(cell instanceof Layer)) checkProperties(cell as object, layer)
  const wrong = (argument: string, value: unknown) =>
    reject({ layer, argument }, 'a number, shape(…), or lists and objects of these', value)
  if (!isStateSize(stateSize)) wrong('stateSize', stateSize)
  if (outputSize !== undefined && !isStateSize(outputShapes(outputSize))) wrong('outputSize', outputSize)
  return cell as Cell
}

/** What an object has that is a cell. */
const properties: readonly (keyof Cell)[] = ['call', 'stateSize', 'outputSize', 'getInitialState']
/** What only classes of cells have. */
const ofClasses = ['build', 'addWeight', 'getConfig']

/** Refuses what is never read. Objects of classes may have anything of their own. */
function checkProperties(cell: object, layer: string): void {
  const argument = 'cell'
  const names = isPlain(cell) ? Object.keys(cell) : 'build' in cell ? ['build'] : []
  const odd = names.find(name => !(properties as readonly string[]).includes(name))
  if (odd === undefined) return
  if (!ofClasses.includes(odd)) throw unknownName(layer, argument, ': cell has no property', odd, properties)
  const text = `${layer}: cell has ${odd}, but a cell with weights is a class that extends RNNCell`
  throw new ArgumentError(text, { layer, argument, actual: odd })
}

/** The config of a cell. */
export function writeCell(cell: Cell): unknown {
  if (cell instanceof Layer) return serialize(cell)
  const argument = 'cell'
  throw new UnsupportedError('a cell that is a plain object has no config; make it a class', { argument })
}

function notCell(layer: string, actual: unknown): never {
  return reject({ layer, argument: 'cell' }, 'a cell, as LSTMCell, with "call" and "stateSize"', actual)
}
