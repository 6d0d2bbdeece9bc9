// An AudioWorklet that plays what is posted to it, and says how long messages took: milliseconds, as many as the clock can tell.
import { Host } from 'layer-rnn/slim/worklet'

class Timed extends AudioWorkletProcessor {
  constructor() {
    super()
    let [spent, models] = [0, 0]
    const host = new Host({ rate: sampleRate, tell: message => this.port.postMessage(message) })
    this.port.onmessage = event => {
      if (event.data === 'time') return this.port.postMessage({ type: 'time', spent, models })
      const start = Date.now()
      host.take(event.data)
      spent += Date.now() - start
      models++
    }
    this.host = host
  }

  process(inputs, outputs) {
    return this.host.process(inputs[0], outputs[0]) // taken apart, they would be iterated
  }
}
registerProcessor('timed', Timed)
