import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createEngine, currentEngine, type Engine } from '../../ts/engine/engine.js'
import { scope } from '../../ts/engine/handle.js'
import { ArgumentError, DisposedError, EngineError, MemoryError } from '../../ts/errors.js'
import * as ops from '../../ts/ops/index.js'
import { tensor, Variable } from '../../ts/tensor/tensor.js'
import { balanced, fails } from './support.js'

test('objects remember their engine, and engines are not mixed', () => {
  const engine = createEngine()
  const [inside, outside] = [engine.use(() => tensor([1, 2])), tensor([1, 2])]
  assert.is(inside.engine, engine)
  assert.is(outside.engine, currentEngine())
  const twice = ops.add(inside, inside)
  assert.is(twice.engine, engine)
  balanced(() => fails(() => ops.add(inside, outside), ArgumentError, /belongs to another engine/))
  const weight = engine.use(() => new Variable({ name: 'w', shape: [2] }))
  fails(() => ops.add(outside, weight), ArgumentError, /variable w.*another engine/)
  outside.dispose()
  engine.dispose()
})

test('use puts back what was current, and refuses async functions', () => {
  const engine = createEngine()
  const before = currentEngine()
  assert.throws(() =>
    engine.use(() => {
      throw new Error('mine')
    }),
  )
  assert.is(currentEngine(), before)
  fails(() => engine.use(async () => 1), ArgumentError, /async/)
  fails(() => engine.use(1 as never), ArgumentError, /engine\.use: fn must be a function, not 1/)
  engine.dispose()
})

test('maxBytes bounds the numbers, and the engine works on', () => {
  const engine = createEngine({ maxBytes: 100_000 })
  engine.use(() => {
    const small = tensor(new Float32Array(1000))
    balanced(() => fails(() => ops.zeros([1000, 1000]), MemoryError, /3\.8 MiB more/), engine)
    balanced(() => fails(() => tensor(new Float32Array(100_000)), MemoryError, /390\.6 KiB more/), engine)
    balanced(() => fails(() => ops.broadcastTo(small, [100, 1000]), MemoryError, /KiB more/), engine)
    assert.is(ops.sum(small).item(), 0)
    assert.ok(engine.stats().bytes <= 100_000)
  })
  for (const maxBytes of [-1, 0, 1, 3.9, Number.NaN, '8', null]) {
    const make = () => createEngine({ maxBytes: maxBytes as number })
    assert.is(
      fails(make, ArgumentError, /maxBytes must be a number of bytes, 4 or more/).argument,
      'maxBytes',
    )
  }
  const least = createEngine({ maxBytes: 4 })
  least.use(() => fails(() => tensor([1, 2]), MemoryError, /more/))
  const unbounded = createEngine({ maxBytes: undefined as never })
  unbounded.use(() => tensor([1, 2]).dispose())
  for (const each of [least, unbounded]) each.dispose()
  const misspelled = () => createEngine({ maxbytes: 1 } as object)
  assert.is(
    fails(misspelled, ArgumentError, /options must be { maxBytes }, not { maxbytes }/).argument,
    'options',
  )
  for (const options of [null, 5, '5'])
    fails(
      () => createEngine(options as never),
      ArgumentError,
      /createEngine: options must be { maxBytes }, not/,
    )
})

test('stats count what is alive', () => {
  const engine = createEngine()
  engine.use(() => {
    assert.equal(engine.stats(), { tensors: 0, programs: 0, calls: 0, bytes: 0 })
    const a = tensor(new Float32Array(250))
    assert.is(engine.stats().tensors, 1)
    assert.ok(engine.stats().bytes >= 1000)
    a.dispose()
    assert.equal(engine.stats(), { tensors: 0, programs: 0, calls: 0, bytes: 0 })
  })
})

test('memory may grow under the boundary and under views', () => {
  const engine = createEngine()
  engine.use(() => {
    const a = tensor([1, 2, 3])
    const big = Array.from({ length: 20 }, (_, i) => ops.full([200_000], i))
    assert.equal(a.array(), [1, 2, 3])
    assert.is(big[19]!.data()[199_999], 19)
    const many = ops.concatenate(
      Array.from({ length: 3000 }, (_, i) => tensor([i])),
      0,
    )
    assert.equal(
      many.data(),
      Float32Array.from({ length: 3000 }, (_, i) => i),
    )
  })
  engine.dispose()
})

test('restart disposes what there was and starts empty', () => {
  const engine = createEngine()
  const old = engine.use(() => tensor([1]))
  engine.restart()
  assert.ok(old.disposed)
  fails(() => old.data(), DisposedError, /float32 \[1\] has been disposed/)
  old.dispose()
  assert.is(engine.stats().tensors, 0)
  engine.use(() => assert.equal(tensor([5]).array(), [5]))
})

test('a trap marks the engine as failed until it is restarted', () => {
  const engine = createEngine()
  const live = engine.use(() => tensor([1]))
  assert.instance(engine.trapped(new Error('unreachable')), EngineError)
  fails(() => live.data(), EngineError, /unreachable.*restart/)
  fails(() => engine.use(() => tensor([1])), EngineError, /has failed/)
  live.dispose()
  assert.ok(engine.failed)
  engine.restart()
  assert.not(engine.failed)
  engine.use(() => assert.is(ops.add(1, 2).item(), 3))
})

/** (module (func (export "trap") unreachable)) */
const trap = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 8, 1, 4, 116, 114, 97, 112, 0, 0]
const trapCode = [10, 5, 1, 3, 0, 0, 11]

interface Instance {
  exports: Record<string, unknown>
}
interface WebAssemblyApi {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object, imports: object) => Instance
}

/** An engine whose wasm traps, really, in the exports that `names` lists at the time; those that a restart makes do not. */
function trapping(names: Set<string>): Engine {
  const api = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly
  const { Instance, Module } = api
  const stop = new Instance(new Module(Uint8Array.of(...trap, ...trapCode)), {}).exports.trap as () => never
  api.Instance = class {
    exports: Record<string, unknown>
    constructor(module: object, imports: object) {
      const wrapped = Object.entries(new Instance(module, imports).exports).map(([name, value]) => {
        if (typeof value !== 'function') return [name, value]
        return [name, (...args: unknown[]) => (names.has(name) ? stop() : value(...args))]
      })
      this.exports = Object.fromEntries(wrapped)
    }
  }
  try {
    return createEngine()
  } finally {
    api.Instance = Instance
  }
}

test('whatever the wasm traps in, the engine says that it has failed and works again after a restart', () => {
  for (const name of [
    'call_run',
    'builder_record',
    'program_bind',
    'tensor_new',
    'tensor_pointer',
    'call_free',
  ]) {
    const names = new Set<string>()
    const engine = trapping(names)
    const live = engine.use(() => tensor([1, 2]))
    names.add(name)
    const failed = fails(
      () => engine.use(() => ops.add(live, tensor([3, 4])).data()),
      EngineError,
      /has failed/,
    )
    assert.match((failed.cause as Error).message, /unreachable/, name)
    assert.ok(engine.failed, name)
    for (const use of [() => live.data(), () => engine.stats(), () => engine.use(() => tensor([1]))])
      assert.is(fails(use, EngineError, /restart/), failed)
    live.dispose()
    engine.restart()
    assert.not(engine.failed)
    fails(() => live.data(), DisposedError, /disposed/)
    engine.use(() => scope(() => assert.equal(ops.add(tensor([1, 2]), tensor([3, 4])).array(), [4, 6])))
    assert.is(engine.stats().tensors, 0)
    engine.dispose()
  }
})

test('a disposed engine says so', () => {
  const engine = createEngine()
  const live = engine.use(() => tensor([1]))
  engine.dispose()
  engine.dispose()
  assert.ok(engine.disposed)
  assert.ok(live.disposed)
  live.dispose()
  fails(() => engine.use(() => tensor([1])), EngineError, /disposed/)
})

test.run()
