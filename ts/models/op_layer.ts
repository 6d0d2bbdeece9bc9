/** Ops on symbolic tensors: nodes of the graph like layers. */
import { UnsupportedError } from '../errors.js'
import type { Call } from '../layers/apply.js'
import { Layer } from '../layers/layer.js'
import { pascalCase } from '../layers/names.js'
import type { Fields } from '../layers/options.js'
import { type LayerClass, registerBuiltin } from '../layers/registry.js'
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
import { setFunctionalHandler } from '../ops/operation.js'
import type { SymbolicTensor } from '../tensor/tensor.js'

type Body = (inputs: readonly SymbolicTensor[]) => readonly SymbolicTensor[]

/** An op that code applied to symbolic tensors. */
class CodeOp extends Layer {
  readonly #op: string
  readonly #body: Body

  constructor(op: string, body: Body) {
    super()
    this.#op = op
    this.#body = body
  }

  override get className(): string {
    return pascalCase(this.#op)
  }

  override call(inputs: readonly SymbolicTensor[]): readonly SymbolicTensor[] {
    return this.#body(inputs)
  }

  override getConfig(): Record<string, unknown> {
    const argument = this.#op
    throw new UnsupportedError(
      `${this.name}: the op ${argument} between layers has no config; put it into a layer`,
      {
        layer: this.name,
        argument,
      },
    )
  }
}

setFunctionalHandler((name, inputs, body) => new CodeOp(name, body).apply(inputs))

/** An op that a file has between its layers, as Keras 3 writes the masks of functional models. */
export abstract class FileOp extends Layer {
  /** Its arguments: tensors and numbers. */
  override prepare(inputs: unknown): Call {
    return { inputs: Array.isArray(inputs) ? inputs : [inputs], options: {} }
  }

  override getConfig(): Record<string, unknown> {
    const { trainable: _, dtype: __, ...config } = super.getConfig()
    return config
  }
}

type Op = (...operands: never[]) => SymbolicTensor

function fileOp(name: string, op: Op, parameters: readonly string[]): LayerClass & { className: string } {
  return class extends FileOp {
    static override readonly className = pascalCase(name)
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

registerBuiltin(
  'keras.src.ops.numpy',
  ...Object.entries(elementwise).map(([name, op]) => fileOp(name, op as Op, [])),
  ...Object.entries(reductions).map(([name, op]) => fileOp(name, op as Op, ['axis', 'keepdims'])),
)
