// A page that posts a model to an AudioWorklet and hears the bits of its own `predict`.
import * as lib from 'layer-rnn'
import { modelMessage } from 'layer-rnn/worklet'
import { compute } from './inline.mjs'
import { tell } from './tell.mjs'

tell(async () => {
  const { Dense, Input, LSTM, Sequential } = lib
  const model = new Sequential([
    new Input({ shape: [null, 1] }),
    new LSTM({ units: 40, returnSequences: true }),
    new Dense({ units: 1 }),
  ])
  const samples = Float32Array.from({ length: 128 * 8 }, (_, i) => ((i * 37) % 64) / 64 - 0.5)
  const context = new OfflineAudioContext(1, samples.length, 48000)
  await context.audioWorklet.addModule('/out/processor_stream.js')
  const processorOptions = { module: lib.getModule() }
  const node = new AudioWorkletNode(context, 'layer-rnn', { processorOptions })
  const ready = new Promise((resolve, reject) => {
    node.port.onmessage = ({ data }) =>
      data.type === 'ready' ? resolve() : reject(new Error(JSON.stringify(data)))
    node.onprocessorerror = () => reject(new Error('the processor threw'))
  })
  node.port.postMessage(modelMessage(model))
  await ready
  const buffer = context.createBuffer(1, samples.length, 48000)
  buffer.copyToChannel(samples, 0)
  const source = new AudioBufferSourceNode(context, { buffer })
  source.connect(node).connect(context.destination)
  source.start()
  const heard = (await context.startRendering()).getChannelData(0)
  const expected = model.predict(samples).data
  const first = heard.findIndex((value, i) => value !== expected[i])
  if (first >= 0) throw new Error(`sample ${first} is ${heard[first]}, expected ${expected[first]}`)
  return compute()
})
