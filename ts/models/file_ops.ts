/** The ops that files have between their layers, as Keras 3 writes the masks of functional models. */
import { pascalCase } from '../layers/names.js'
import type { Fields } from '../layers/options.js'
import type { LayerClass } from '../layers/registry.js'
import {
  add,
  all,
  any,
  divide,
  equal,
  exp,
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
  relu,
  sigmoid,
  sqrt,
  square,
  subtract,
  sum,
  tanh,
  where,
} from '../ops/index.js'
import type { SymbolicTensor } from '../tensor/tensor.js'
import { FileOp } from './op_layer.js'

type Op = (...operands: never[]) => SymbolicTensor

function fileOp(name: string, op: Op, parameters: readonly string[]): LayerClass & { className: string } {
  return class extends FileOp {
    static override readonly className = pascalCase(name)
    static readonly module = 'keras.src.ops.numpy'
    static override readonly fields: Fields = Object.fromEntries(
      parameters.map(parameter => [
        parameter,
        { default: undefined, read: value => value, write: value => value },
      ]),
    )

    override call(operands: readonly unknown[]): SymbolicTensor {
      const values = this as unknown as Record<string, unknown>
      return op(...([...operands, ...parameters.map(parameter => values[parameter] ?? undefined)] as never[]))
    }
  }
}

const elementwise = {
  add,
  subtract,
  multiply,
  divide,
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
  logicalNot,
  where,
  negative,
  exp,
  log,
  sqrt,
  square,
  tanh,
  sigmoid,
  relu,
}
const reductions = { sum, mean, max, min, any, all }

export const fileOps = [
  ...Object.entries(elementwise).map(([name, op]) => fileOp(name, op as Op, [])),
  ...Object.entries(reductions).map(([name, op]) => fileOp(name, op as Op, ['axis', 'keepdims'])),
]
