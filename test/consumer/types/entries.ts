// Every entry has declarations, and a thing has one type in all of them.

import 'layer-rnn/global'
import { type GRU, type Model, Sequential, scope, type Tensor, tensor } from 'layer-rnn'
import { GRU as InferGRU } from 'layer-rnn/infer'
import { loadModelSync } from 'layer-rnn/slim/keras'
import { sum } from 'layer-rnn/slim/ops'
import { Host, type HostMessage, modelMessage, registerStreamProcessor } from 'layer-rnn/worklet'

export const layer: GRU = new InferGRU({ units: 3, inputShape: [null, 1] })
export const model = new Sequential([layer])
export const total: Tensor = scope(() => sum(tensor([1, 2])))
export const play = (told: HostMessage[]): void => {
  const host = new Host({ rate: 48_000, tell: message => told.push(message) })
  host.take(modelMessage(model as unknown as Model, { channels: 2 }))
  host.process([new Float32Array(128)], [new Float32Array(128)])
}
export const register = () => registerStreamProcessor()
export const read: Model = loadModelSync(new Uint8Array(0))
export function used(): number | boolean {
  using one = tensor(1)
  return one.item()
}
