/** An audio processor that computes when it is made and sends the result, or the error, to its node. */
export function register(compute) {
  class Answers extends AudioWorkletProcessor {
    constructor({ processorOptions }) {
      super()
      let result
      try {
        result = compute(processorOptions)
      } catch (error) {
        result = { error: String(error?.stack ?? error) }
      }
      this.port.postMessage(result)
    }

    process() {
      return true
    }
  }
  registerProcessor('answers', Answers)
}
