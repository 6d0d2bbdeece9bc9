/** Ops on symbolic tensors: nodes of the graph like layers. */
import { UnsupportedError } from '../errors.js'
import { Layer } from '../layers/layer.js'
import { pascalCase } from '../layers/names.js'
import type { FunctionalHandler } from '../ops/operation.js'
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

/** What ops do with symbolic tensors. */
export const applyOp: FunctionalHandler = (name, inputs, body) => new CodeOp(name, body).apply(inputs)
