/** Runs targets one after the other; the main thread sees by `progress` whether an attempt hangs. */
import { parentPort, workerData } from 'node:worker_threads'
import { attemptOf } from './random.mjs'

const { names, seed, count, seconds, progress } = workerData
const attempts = new Int32Array(progress)

for (const name of names) {
  parentPort.postMessage({ name })
  const target = await (await import(`./${name}.mjs`))[name]()
  const end = Date.now() + (1000 * seconds) / names.length
  let done = 0
  let error
  try {
    for (; done < count && Date.now() < end; done++) {
      Atomics.store(attempts, 0, done)
      target.attempt(attemptOf(seed, done))
    }
  } catch (thrown) {
    error = thrown.stack
  }
  parentPort.postMessage({ name, done, error, ...target.report() })
}
