/** Ops on symbolic tensors: nodes of the graph like layers. */
import { UnsupportedError } from '../errors.js'
import { Layer } from '../layers/layer.js'
import { pascalCase } from '../layers/names.js'
import { setFunctionalHandler } from '../ops/operation.js'
import type { SymbolicTensor } from '../tensor/tensor.js'

type Body = (inputs: readonly SymbolicTensor[]) => readonly SymbolicTensor[]

class OpLayer extends Layer {
  static override readonly className: string = 'Op'
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
    throw new UnsupportedError(
      `${this.name}: a model with the op ${this.#op} between its layers has no config; put the op into a layer`,
      {
        layer: this.name,
        argument: this.#op,
      },
    )
  }
}

setFunctionalHandler((name, inputs, body) => new OpLayer(name, body).apply(inputs))
