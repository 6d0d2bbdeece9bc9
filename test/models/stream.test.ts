import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  ArgumentError,
  currentEngine,
  Dense,
  DisposedError,
  Dropout,
  Embedding,
  GRU,
  GRUCell,
  Input,
  Layer,
  LSTM,
  LSTMCell,
  Masking,
  Model,
  NdArray,
  ops,
  RNN,
  Sequential,
  ShapeError,
  StateError,
  type Stream,
  type SymbolicTensor,
  scope,
  tensor,
  UnsupportedError,
} from '../../ts/entry/api.js'
import { balanced, fails } from '../engine/support.js'
import { numbers, sequences } from '../support/random.js'

const [time, features] = [9, 4]

/** Models whose steps must have the bits of the whole sequence. */
const models: Record<string, () => Sequential> = {
  'LSTM, last output': () => new Sequential([new LSTM({ units: 5, inputShape: [null, features] })]),
  'GRUs and Dense, all outputs': () =>
    new Sequential([
      new GRU({ units: 5, returnSequences: true, inputShape: [null, features] }),
      new Dropout({ rate: 0.5 }),
      new GRU({ units: 3, returnSequences: true, resetAfter: false }),
      new Dense({ units: 2, activation: 'softmax' }),
    ]),
  'a stack, masked inside': () =>
    new Sequential([
      new Masking({ inputShape: [null, features] }),
      new RNN({ cell: [new LSTMCell({ units: 4 }), new GRUCell({ units: 3 })] }),
      new Dense({ units: 2 }),
    ]),
  'a nested model': () =>
    withInner(
      new Sequential([new LSTM({ units: 5, returnSequences: true, inputShape: [null, features] })], {
        name: 'inner',
      }),
    ),
}

/** The inner model lives on by itself; here it goes with the outer one. */
function withInner(inner: Sequential): Sequential {
  const outer = new Sequential([inner, new GRU({ units: 3 })])
  const dispose = outer.dispose.bind(outer)
  outer.dispose = () => {
    dispose()
    inner.dispose()
  }
  return outer
}

/** Sequences of which some steps are zero, so that Masking masks them; also the first ones. */
function data(batch: number): number[][][] {
  return sequences(batch, time, features, 5).map((rows, b) =>
    rows.map((row, t) => ((t + b) % 4 === 0 ? row.map(() => 0) : row)),
  )
}

const flat = (values: number[][][]) => Float32Array.from(values.flat(2))

/** What a step of a batch takes, from `[batch][time][features]`. */
const at = (x: number[][][], t: number) => Float32Array.from(x.flatMap(rows => rows[t]!))

for (const [name, make] of Object.entries(models)) {
  test(`${name}: each step has the bits of the whole sequence so far`, () =>
    balanced(() => {
      using model = make()
      for (const batch of [1, 3]) {
        using stream = model.stream({ batch })
        const x = data(batch)
        for (let t = 0; t < time; t++) {
          const step = [...stream.step(at(x, t))]
          const prefix = model.predict(x.map(rows => rows.slice(0, t + 1)))
          const last =
            prefix.shape.length === 3
              ? (prefix.array() as number[][][]).map(rows => rows[t]!)
              : prefix.array()
          assert.equal(step, [last].flat(3), `step ${t}`)
        }
      }
    }))

  test(`${name}: blocks of any length, and clones`, () =>
    balanced(() => {
      using model = make()
      using stream = model.stream({ batch: 2 })
      using blocks = model.stream({ batch: 2 })
      const x = data(2)
      const single: number[][] = []
      for (let t = 0; t < time; t++) single.push([...stream.step(at(x, t))])
      let from = 0
      for (const n of [1, 3, 2]) {
        const got = [...blocks.steps(x.map(rows => rows.slice(from, from + n)))]
        from += n
        assert.equal(got.slice(-1), single[from - 1]!.slice(-1), `after ${from}`)
      }
      using copy = blocks.clone()
      const rest = flat(x.map(rows => rows.slice(from)))
      assert.equal([...copy.steps(rest)], [...blocks.steps(rest)])
      assert.equal(copy.getStates(), blocks.getStates())
    }))
}

test('an explicit mask is that of predict, and plain steps may come between', () => {
  using model = new Sequential([
    new LSTM({ units: 4, returnSequences: true, inputShape: [null, features] }),
    new GRU({ units: 3, returnSequences: true }),
  ])
  using stream = model.stream({ batch: 2 })
  const x = sequences(2, time, features)
  const mask = x.map((_, b) => Array.from({ length: time }, (_, t) => t === 4 || (t + b) % 3 !== 0))
  const expected = model.predict(x, { mask }).array() as number[][][]
  for (let t = 0; t < time; t++) {
    const frame = at(x, t)
    const own = mask.map(row => row[t]!)
    const step = own.every(Boolean) ? stream.step(frame) : stream.step(frame, undefined, { mask: own })
    assert.equal(
      [...step],
      expected.flatMap(rows => rows[t]!),
      `step ${t}`,
    )
  }
  stream.resetStates()
  const block = stream.steps(flat(x), undefined, {
    mask: Uint8Array.from(mask.flat().map(value => (value ? 255 : 0))),
  })
  assert.equal([...block], expected.flat(2))
  stream.resetStates()
  assert.equal([...stream.step(at(x, 0), undefined, { mask: false })], new Array(6).fill(0))
})

test('ids, several inputs and outputs by name, what is given once', () =>
  balanced(() => {
    const [ids, scale] = [Input({ shape: [null], dtype: 'int32' }), Input({ shape: [null, 3] })]
    const bias = Input({ shape: [3], name: 'bias' })
    const embedded = new Embedding({ inputDim: 10, outputDim: 3 }).apply(ids)
    const hidden = new GRU({ units: 3, returnSequences: true }).apply(ops.add(embedded, scale))
    const last = new LSTM({ units: 2 }).apply(hidden)
    const shifted = ops.add(new Dense({ units: 3 }).apply(last), bias)
    using model = new Model({ inputs: { ids, scale, bias }, outputs: { hidden, shifted } })
    const tokens = [3, 1, 4, 1, 5]
    const scales = [...numbers(15)].map(value => value)
    const rows = tokens.map((_, t) => scales.slice(3 * t, 3 * t + 3))
    const expected = model.predict({ ids: [tokens], scale: [rows], bias: [[1, 2, 3]] })
    using stream = model.stream({ inputs: { bias: [[1, 2, 3]] } })
    let got = stream.step({ ids: Int32Array.of(tokens[0]!), scale: rows[0]! })
    assert.equal([...got.hidden], (expected.hidden.array() as number[][][])[0]![0])
    got = stream.steps({ ids: [tokens.slice(1)], scale: [rows.slice(1)] })
    assert.equal([...got.shifted], (expected.shifted.array() as number[][])[0])
    fails(() => model.stream(), ArgumentError, /"bias" has no time axis/)
    fails(() => model.stream({ inputs: { biass: [[1, 2, 3]] } }), ArgumentError, /did you mean "bias"/)
    fails(() => stream.step({ ids: [3.5], scale: rows[0]! }), ArgumentError, /integer/)
  }))

test('a whole sequence given once is read anew at every step, in any direction', () =>
  balanced(() => {
    const [x, memory] = [Input({ shape: [null, 2] }), Input({ shape: [null, 2], name: 'memory' })]
    const context = new GRU({ units: 3, goBackwards: true }).apply(memory)
    const hidden = new LSTM({ units: 3 }).apply(x)
    using model = new Model({ inputs: [x, memory], outputs: ops.multiply(hidden, context) })
    const data = [sequences(1, 4, 2), sequences(1, 5, 2, 9)] as const
    using stream = model.stream({ inputs: { memory: data[1] } })
    assert.equal(Object.keys(stream.getStates()), ['lstm'])
    let got: Iterable<number> = []
    for (const frame of data[0][0]!) got = stream.step(frame)
    assert.equal([...got], [...model.predict(data).data])
  }))

test('what an Embedding reads comes step by step, of fixed length and as floats too', () => {
  const length = 4
  const ids = Input({ shape: [length], dtype: 'float32' })
  const embedded = new Embedding({ inputDim: 8, outputDim: 3 }).apply(ids)
  using model = new Model({ inputs: ids, outputs: new GRU({ units: 2 }).apply(embedded) })
  using stream = model.stream()
  const words = [1, 7, 0, 3]
  let last: Iterable<number> = []
  for (const word of words) last = stream.step([word])
  assert.equal([...last], [...model.predict([words]).data])
})

test('an embedding model takes ids [batch]; one out of range is an error, and the stream goes on', () => {
  using model = new Sequential([
    new Embedding({ inputDim: 8, outputDim: 3, maskZero: true, inputShape: [null] }),
    new GRU({ units: 2 }),
  ])
  using stream = model.stream({ batch: 2 })
  const ids = [
    [1, 0, 7],
    [0, 2, 0],
  ]
  const outputs = [0, 1, 2].map(t => [...stream.step(ids.map(row => row[t]!))])
  assert.equal(
    outputs[2],
    (model.predict(ids) as { data: Float32Array }).data.length ? [...model.predict(ids).data] : [],
  )
  const before = stream.getStates()
  const error = fails(() => stream.step([1, 8]), ArgumentError, /embedding/)
  assert.is(error.layer, 'embedding')
  assert.equal(stream.getStates(), before)
  fails(() => model.predict([[-1]]), ArgumentError, /embedding/)
})

test('outputs: the same array, one given, and the views', () => {
  using model = new Sequential([new GRU({ units: 3, inputShape: [null, 2] })])
  using stream = model.stream()
  const first = stream.step(Float32Array.of(1, 2))
  const copy = [...first]
  assert.is(stream.step([3, 4]), first)
  stream.resetStates()
  const out = new Float32Array(3)
  assert.is(stream.step([[1, 2]], out), out)
  assert.equal([...out], copy)
  stream.resetStates()
  ;(stream.input as Float32Array).set([1, 2])
  stream.step()
  assert.equal([...(stream.output as Float32Array)], copy)
  fails(() => stream.step(Float32Array.of(1)), ShapeError, /frame must hold 2 numbers/)
  fails(() => stream.step([1, 2], new Float32Array(2)), ShapeError, /out must hold 3/)
  fails(() => stream.steps(new Float32Array(3)), ShapeError, /block/)
  fails(() => stream.steps(new Float32Array(0)), ShapeError, /at least one step/)
  fails(() => stream.step([1, 2], out, { msk: true } as never), ArgumentError, /did you mean "mask"/)
})

test('tensors and NdArrays are frames, blocks and masks', () =>
  balanced(() => {
    using model = new Sequential([new GRU({ units: 3, returnSequences: true, inputShape: [null, 2] })])
    using stream = model.stream()
    const expected = [...stream.steps(numbers(4))]
    for (const make of [
      (data: Float32Array, shape: number[]) => tensor(data, shape),
      (data: Float32Array, shape: number[]) => new NdArray(data, shape),
    ]) {
      scope(() => {
        stream.resetStates()
        const first = stream.step(make(numbers(4).subarray(0, 2), [1, 2]))
        assert.equal([...first], expected.slice(0, 3))
        stream.resetStates()
        const block = make(numbers(4), [1, 2, 2])
        assert.equal([...stream.steps(block)], expected)
        stream.resetStates()
        const mask = tensor([[true, false]])
        assert.equal([...stream.steps(block, null, { mask })].slice(3), expected.slice(0, 3))
        fails(() => stream.step(make(numbers(4), [2, 2])), ShapeError, /frame/)
      })
    }
  }))

test('what cannot stream says which layer', () => {
  const sequential = (...layers: Layer[]) =>
    new Sequential([new GRU({ units: 2, returnSequences: true, inputShape: [null, 2] }), ...layers])
  const error = fails(
    () => sequential(new LSTM({ units: 2, goBackwards: true, name: 'late' })).stream(),
    UnsupportedError,
    /late/,
  )
  assert.is(error.layer, 'late')
  assert.is(error.argument, 'goBackwards')
  class Mean extends Layer {
    override call(x: SymbolicTensor) {
      return ops.mean(x, 1)
    }
  }
  fails(() => sequential(new Mean({ name: 'average' })).stream(), UnsupportedError, /average cannot stream/)
  fails(() => new Sequential([new GRU({ units: 2 })]).stream(), StateError, /not built/)
  fails(() => sequential().stream({ batch: 0 }), ArgumentError, /batch/)
  fails(() => sequential().stream({ bach: 2 } as never), ArgumentError, /did you mean "batch"/)
})

test('a disposed stream or model refuses', () =>
  balanced(() => {
    const model = new Sequential([new GRU({ units: 2, inputShape: [null, 2] })])
    const stream = model.stream()
    stream.dispose()
    stream.dispose()
    assert.ok(stream.disposed)
    for (const use of [
      () => stream.step([1, 2]),
      () => stream.steps([[[1, 2]]]),
      () => stream.getStates(),
      () => stream.input,
    ]) {
      fails(use, DisposedError, /stream/)
    }
    const other = model.stream()
    model.dispose()
    assert.is(fails(() => other.step([1, 2]), DisposedError, /^sequential/).layer, 'sequential')
    fails(() => model.stream(), DisposedError, /./)
    other.dispose()
  }))

/** Bytes of heap that `run` leaves behind, at best of a few tries: other code of the process may allocate meanwhile. */
function growth(run: () => void): number {
  const collect = (globalThis as { gc?: () => void }).gc ?? (() => {})
  let least = Number.POSITIVE_INFINITY
  for (let attempt = 0; attempt < 5 && least >= 65536; attempt++) {
    collect()
    const before = process.memoryUsage().heapUsed
    run()
    collect()
    least = Math.min(least, process.memoryUsage().heapUsed - before)
  }
  return least
}

test('10⁵ steps: the heap and the memory of the engine do not grow', () => {
  using model = models['GRUs and Dense, all outputs']!()
  using stream: Stream<SymbolicTensor> = model.stream()
  const frame = numbers(features)
  const out = new Float32Array(2)
  const run = () => {
    for (let i = 0; i < 1e5; i++) stream.step(frame, out)
  }
  for (let i = 0; i < 2e4; i++) stream.step(frame, out)
  const { buffer } = currentEngine().raw.memory
  const bytes = growth(run)
  assert.ok(bytes < 65536, `${bytes} bytes of heap`)
  assert.is(currentEngine().raw.memory.buffer, buffer)
})

test.run()
