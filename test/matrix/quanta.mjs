// A page that plays models in an AudioWorklet as long as who drives it wants: `start` of a kind, then `play` some quanta, `swaps`.
import * as lib from 'layer-rnn'
import { modelMessage } from 'layer-rnn/worklet'

const { Dense, Input, LSTM, Sequential } = lib
const quantum = 128
const most = 1e6

const kinds = {
  samples: () => [
    new Sequential([
      new Input({ shape: [null, 1] }),
      new LSTM({ units: 8, returnSequences: true }),
      new Dense({ units: 1 }),
    ]),
    {},
  ],
  frames: () => [
    new Sequential([new Input({ shape: [null, 128] }), new Dense({ units: 128 })]),
    { hop: 64, window: 128 },
  ],
}

let context
let node
let message
let played = 0

/** The next answer of a type. */
const answer = type =>
  new Promise((resolve, reject) => {
    const listen = ({ data }) => {
      if (data.type !== type && data.type !== 'error') return
      node.port.removeEventListener('message', listen)
      if (data.type === type) resolve(data)
      else reject(new Error(data.message))
    }
    node.port.addEventListener('message', listen)
    node.port.start()
  })

globalThis.start = async kind => {
  context = new OfflineAudioContext(1, quantum * most, 48000)
  played = 0
  await context.audioWorklet.addModule('/out/processor_timed.js')
  node = new AudioWorkletNode(context, 'timed')
  new ConstantSourceNode(context).connect(node).connect(context.destination)
  message = modelMessage(...kinds[kind]())
  const ready = answer('ready')
  node.port.postMessage(message)
  await ready
}

/** Plays so many quanta more. */
globalThis.play = async quanta => {
  played += quanta
  const there = context.suspend((played * quantum) / 48000)
  if (played === quanta) context.startRendering()
  else context.resume()
  await there
}

/** Swaps models while one plays; gives the mean milliseconds that a message took on the audio thread. */
globalThis.swaps = async times => {
  const time = () => {
    const answered = answer('time')
    node.port.postMessage('time')
    return answered
  }
  for (let i = 0; i < times; i++) {
    const copy = structuredClone(message)
    node.port.postMessage(copy, [copy.bytes])
    await time() // the model has come
    await Promise.all([answer('ready'), play(10)])
  }
  const { spent, models } = await time()
  return spent / models
}
