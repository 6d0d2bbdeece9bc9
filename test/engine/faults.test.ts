/** What goes wrong around the engine, and that all works after it. */
import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  createEngine,
  LayerRnnError,
  LSTM,
  MemoryError,
  type Model,
  Sequential,
  type Stream,
} from '../../ts/entry/api.js'
import { numbers } from '../support/random.js'
import { fails } from './support.js'

const make = (units: number) =>
  new Sequential([new LSTM({ units, inputShape: [null, 4] })]) as unknown as Model

test('memory runs out in a build, a run and a stream; what was alive still is', () => {
  const engine = createEngine({ maxBytes: 300_000 })
  engine.use(() => {
    const model = make(32)
    const x = numbers(40)
    const before = [...(model.predict(x) as { data: Float32Array }).data]
    fails(() => make(1000), MemoryError, /no memory/)
    fails(() => model.predict(numbers(4 * 50_000)), MemoryError, /no memory/)
    fails(() => model.stream({ batch: 10_000 }), MemoryError, /no memory/)
    assert.equal([...(model.predict(x) as { data: Float32Array }).data], before)
    const stream = model.stream() as Stream
    stream.step(x.subarray(0, 4))
    const row = stream.saveRow(0)
    let error: unknown
    for (let i = 0; i < 10_000 && !error; i++) {
      try {
        stream.addRow()
      } catch (thrown) {
        error = thrown
      }
    }
    assert.instance(error, MemoryError)
    assert.equal(stream.saveRow(0), row)
    for (const last of stream.rows.reverse()) if (last > 0) stream.removeRow(last)
    assert.equal(stream.saveRow(0), row)
    stream.step(x.subarray(4, 8))
    stream.dispose()
    model.dispose()
    const { tensors, programs, calls } = engine.stats()
    assert.equal({ tensors, programs, calls }, { tensors: 0, programs: 0, calls: 0 })
  })
  engine.dispose()
})

test('two copies of the package: each works, and tensors of the other are refused', () => {
  const require = createRequire(import.meta.url)
  const other = require('../../../dist/cjs/index.cjs') as typeof import('../../ts/entry/api.js')
  const [a, b] = [make(3), new other.Sequential([new other.LSTM({ units: 3, inputShape: [null, 4] })])]
  b.setWeights(a.getWeights().map(weight => weight.array()) as never)
  const x = numbers(20)
  assert.equal((b.predict(x) as { data: Float32Array }).data, (a.predict(x) as { data: Float32Array }).data)
  let error: unknown
  try {
    a.apply(other.tensor([[[1, 2, 3, 4]]]) as never)
  } catch (thrown) {
    error = thrown
  }
  assert.instance(error, LayerRnnError)
  a.dispose()
  b.dispose()
})

test('a worker killed in the middle of a run; another one starts', async () => {
  const code = `
    import('${new URL('../../../dist/index.js', import.meta.url).href}').then(({ LSTM, Sequential }) => {
      const { parentPort, workerData } = require('node:worker_threads')
      const model = new Sequential([new LSTM({ units: 64, inputShape: [null, 4] })])
      parentPort.postMessage(model.predict(new Float32Array(40)).data.length)
      while (workerData.forever) model.predict(new Float32Array(4 * 10000))
    })`
  for (const forever of [true, false, true]) {
    const worker = new Worker(code, { eval: true, workerData: { forever } })
    const length = await new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject))
    assert.is(length, 64)
    await worker.terminate()
  }
  const model = make(3)
  assert.is((model.predict(numbers(8)) as { data: Float32Array }).data.length, 3)
  model.dispose()
})

test.run()
