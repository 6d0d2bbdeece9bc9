// Compiles with the DOM's types: what the platform gives is taken as it is, and what comes back is what it takes.

import { type NdArray, Sequential, tensor } from 'layer-rnn'
import wasm from 'layer-rnn/layer_rnn.wasm'
import { getModule, init, initSync } from 'layer-rnn/slim'
import type { HostMessage } from 'layer-rnn/worklet'

export const fetched = () => init(fetch('layer_rnn.wasm'))
export const located = () => init(new URL('layer_rnn.wasm', location.href))
export const given = (module: WebAssembly.Module) => initSync(module)
export const bundled = () => init(wasm)
export const own = () => getModule() as WebAssembly.Module

const model = new Sequential()
const stream = model.stream()
export async function send(socket: WebSocket): Promise<Blob> {
  const row = stream.saveRow(0)
  socket.send(row)
  await fetch('/rows', { method: 'POST', body: row })
  await crypto.subtle.digest('SHA-256', row)
  const answer: NdArray = model.predict([[[1]]])
  return new Blob([row, answer.data, tensor(1).data(), model.getWeights()[0]!.data])
}
export function play(sound: AudioBuffer, message: HostMessage, shared: Float32Array): Float32Array {
  sound.copyToChannel(stream.step([1]), 0)
  sound.copyToChannel(stream.steps([[[1]]]), 0)
  sound.copyToChannel(stream.output, 0)
  if (message.type === 'output' && message.output) sound.copyToChannel(message.output, 0)
  return stream.step(shared, shared)
}
