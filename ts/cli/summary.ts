/** `layer-rnn summary`: what a model is made of, what it takes and gives. */

import { leaves } from '../layers/structure.js'
import type { KerasTensor } from '../models/graph.js'
import type { Model } from '../models/model.js'
import { inputsOf } from '../models/trace_model.js'
import { openModel, outputNames, write } from './files.js'

export async function summary(file: string): Promise<void> {
  const model = await openModel(file)
  await write('-', [`${model.summary()}\n${ends(model)}`])
  model.dispose()
}

function ends(model: Model): string {
  const names = outputNames(model)
  const line = (what: string, name: string, { shape, dtype }: KerasTensor) =>
    ` ${what} ${name}: ${dtype} [${shape.map(size => size ?? '…').join(', ')}]\n`
  return [
    ...inputsOf(model).map(tensor => line('Input ', tensor.name, tensor)),
    ...leaves(model.outputs).map((tensor, i) => line('Output', names[i]!, tensor)),
  ].join('')
}
