import { inputOf } from './rows.mjs'

/** Readies onnxruntime-web's wasm (SIMD, one thread). */
export function ready(ort) {
  ort.env.wasm.numThreads = 1
  ort.env.logLevel = 'error'
}

/** The row, as the bytes of an ONNX model, in onnxruntime-web. Input and output are time first: no transposition is measured. */
export async function prepare(ort, row, model) {
  const session = await ort.InferenceSession.create(model, { graphOptimizationLevel: 'all' })
  const { batch, features, steps } = row
  const feed = data => new ort.Tensor('float32', swap(data, batch, steps, features), [steps, batch, features])
  const feeds = { x: feed(inputOf(row)) }
  const states = session.inputNames.filter(name => name !== 'x')
  const last = row.layers.length - 1
  const output = session.outputNames[0].startsWith('h') ? `h${last}_next` : session.outputNames[0]
  const reset = () => {
    for (const name of states) {
      const units = row.layers[Number(name.slice(1))].units
      feeds[name] = new ort.Tensor('float32', new Float32Array(batch * units), [1, batch, units])
    }
  }
  reset()
  return {
    name: 'ortWeb',
    isAsync: true,
    reset,
    /** One call on other data, batch first. */
    async run(data) {
      const kept = feeds.x
      feeds.x = feed(data)
      const result = await this.call()
      feeds.x = kept
      return swap(result.data, steps, batch, result.data.length / (steps * batch))
    },
    async call() {
      const results = await session.run(feeds)
      for (const name of states) feeds[name] = results[`${name}_next`]
      return results[output]
    },
    dispose: () => session.release(),
  }
}

/** [a, b, n] → [b, a, n] */
function swap(data, a, b, n) {
  const out = new Float32Array(data.length)
  for (let i = 0; i < a; i++)
    for (let j = 0; j < b; j++) out.set(data.subarray((i * b + j) * n, (i * b + j + 1) * n), (j * a + i) * n)
  return out
}
