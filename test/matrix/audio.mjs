// A page that posts models to an AudioWorklet and hears the bits of its own `predict`, of one model and then of another.
import * as lib from 'layer-rnn'
import { modelMessage } from 'layer-rnn/worklet'
import { compute } from './inline.mjs'
import { tell } from './tell.mjs'

const [quantum, quanta] = [128, 2000]
const swapAt = 50

const amplifier = units => {
  const { Dense, Input, LSTM, Sequential } = lib
  return new Sequential([
    new Input({ shape: [null, 1] }),
    new LSTM({ units, returnSequences: true }),
    new Dense({ units: 1 }),
  ])
}

tell(async () => {
  const models = [amplifier(40), amplifier(24)]
  const samples = Float32Array.from({ length: quantum * quanta }, (_, i) => ((i * 37) % 64) / 64 - 0.5)
  const context = new OfflineAudioContext(1, samples.length, 48000)
  await context.audioWorklet.addModule('/out/processor_stream.js')
  const node = new AudioWorkletNode(context, 'layer-rnn')
  /** The answer of a type that comes next. */
  const next = type =>
    new Promise((resolve, reject) => {
      node.port.addEventListener('message', ({ data }) => {
        if (data.type === type) resolve(data)
        else if (data.type === 'error') reject(new Error(data.message))
      })
      node.onprocessorerror = () => reject(new Error('the processor threw'))
      node.port.addEventListener('messageerror', () => reject(new Error('the message could not be read')))
    })
  node.port.start()
  node.port.postMessage(modelMessage(models[0]))
  await next('ready')
  const buffer = context.createBuffer(1, samples.length, 48000)
  buffer.copyToChannel(samples, 0)
  const source = new AudioBufferSourceNode(context, { buffer })
  source.connect(node).connect(context.destination)
  source.start()
  const second = modelMessage(models[1])
  const ready = next('ready')
  const post = () => node.port.postMessage(second, [second.bytes])
  if (context.suspend) {
    context.suspend((swapAt * quantum) / 48000).then(async () => {
      post()
      node.port.postMessage({ type: 'stats' })
      await next('stats') // so the model has come
      context.resume()
    })
  }
  const rendered = context.startRendering()
  if (!context.suspend) post() // Firefox: at any time
  const heard = (await rendered).getChannelData(0)
  await ready
  const same = (from, to, expected) => heard.slice(from, to).every((value, i) => value === expected[i])
  const before = models[0].predict(samples).data
  const swapped = Math.floor(heard.findIndex((value, i) => value !== before[i]) / quantum) * quantum
  if (context.suspend ? swapped < swapAt * quantum : swapped < 0)
    throw new Error(`sample ${swapped} is not of the first model`)
  if (!same(swapped, samples.length, models[1].predict(samples.slice(swapped)).data))
    throw new Error(`from sample ${swapped} on it is not the second model`)
  return compute()
})
