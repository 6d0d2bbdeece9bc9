/** The ops that files have between their layers, as Keras 3 writes the masks of functional models. */
import { ArgumentError } from '../../errors.js'
import type { Call } from '../../layers/apply.js'
import { Layer } from '../../layers/layer.js'
import { pascalCase } from '../../layers/names.js'
import type { Fields } from '../../layers/options.js'
import type { BuiltinClass } from '../../layers/registry.js'
import {
  abs,
  add,
  all,
  any,
  concatenate,
  divide,
  equal,
  exp,
  expandDims,
  greater,
  greaterEqual,
  less,
  lessEqual,
  log,
  logicalAnd,
  logicalNot,
  logicalOr,
  max,
  maximum,
  mean,
  min,
  minimum,
  multiply,
  negative,
  notEqual,
  onesLike,
  power,
  relu,
  sigmoid,
  sqrt,
  square,
  subtract,
  sum,
  tanh,
  where,
  zerosLike,
} from '../../ops/index.js'
import type { SymbolicTensor } from '../../tensor/tensor.js'

type Op = (...operands: never[]) => SymbolicTensor

/** An op that a file has between its layers. */
abstract class FileOp extends Layer {
  /** Whether its operands are one list. */
  readonly takesList: boolean = false

  /** Its arguments: tensors and numbers. */
  override prepare(inputs: unknown): Call {
    return { inputs: Array.isArray(inputs) ? inputs : [inputs], options: {} }
  }

  override getConfig(): Record<string, unknown> {
    const { trainable: _, dtype, ...config } = super.getConfig()
    return 'dtype' in (this.constructor as typeof Layer).fields ? { ...config, dtype } : config
  }
}

function fileOp(name: string, op: Op, count: number, parameters: readonly string[] = []): BuiltinClass {
  return class extends FileOp {
    static override readonly className = pascalCase(name)
    static readonly module = `keras.src.ops.${name in ofNetworks ? 'nn' : 'numpy'}`
    static override readonly fields: Fields = Object.fromEntries(
      parameters.map(parameter => [
        parameter,
        { default: undefined, read: value => value, write: value => value },
      ]),
    )

    override readonly takesList: boolean = name === 'concatenate'

    override call(operands: readonly unknown[]): SymbolicTensor {
      const { length } = operands
      if (!this.takesList && length !== count) {
        const text = `${this.name}: the op ${this.className} takes ${count} operands, not ${length}`
        const place = { layer: this.name, argument: 'inbound_nodes' }
        throw new ArgumentError(text, { ...place, expected: count, actual: length })
      }
      const values = this as unknown as Record<string, unknown>
      const options = parameters.map(parameter => values[parameter] ?? undefined)
      return op(...([...(this.takesList ? [operands] : operands), ...options] as never[]))
    }
  }
}

const ofNetworks = { sigmoid, relu }
const unary = { absolute: abs, logicalNot, negative, exp, log, sqrt, square, tanh, ...ofNetworks }
const binary = {
  add,
  subtract,
  multiply,
  divide,
  trueDivide: divide,
  power,
  maximum,
  minimum,
  equal,
  notEqual,
  less,
  lessEqual,
  greater,
  greaterEqual,
  logicalAnd,
  logicalOr,
}

/** Ops by the name, with the number of their operands and the names of their parameters. */
const kinds: readonly (readonly [ops: object, operands: number, parameters?: readonly string[]])[] = [
  [unary, 1],
  [binary, 2],
  [{ where }, 3],
  [{ concatenate, expandDims }, 1, ['axis']],
  [{ zerosLike, onesLike }, 1, ['dtype']],
  [{ sum, mean, max, min, any, all }, 1, ['axis', 'keepdims']],
]
const made = new Map<string, BuiltinClass>()

/** The class of the op that files call `className`, made when the first of them does: few files have any. */
export function fileOpOf(className: string): BuiltinClass | undefined {
  const name = className.charAt(0).toLowerCase() + className.slice(1)
  const kind = kinds.find(([ops]) => Object.hasOwn(ops, name))
  if (!kind || pascalCase(name) !== className) return undefined
  const [ops, operands, parameters] = kind
  const Class = made.get(name) ?? fileOp(name, (ops as Record<string, Op>)[name]!, operands, parameters)
  made.set(name, Class)
  return Class
}
