/** What fails while weights are made gives back those that were made before. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import '../../ts/entry/inline.js'
import {
  ArgumentError,
  Bidirectional,
  createEngine,
  Dense,
  Dropout,
  deserialize,
  GRU,
  Input,
  Layer,
  LSTM,
  MemoryError,
  ops,
  RNN,
  Sequential,
  ShapeError,
  StateError,
  type SymbolicTensor,
  scope,
  serialize,
  TimeDistributed,
  UnsupportedError,
} from '../../ts/entry/api.js'
import { MinimalRNNCell } from '../cells/support.js'
import { balanced, fails } from '../engine/support.js'
import { sequences } from '../support/random.js'

const inputShape = [null, 4]
const all = { returnSequences: true }
const gru = (more: object = {}) => new GRU({ units: 16, inputShape, ...all, ...more })
const lstm = () => new LSTM({ units: 16, ...all })

/** Models whose last layer does not fit any more into 7000 bytes. */
const large: Record<string, () => unknown> = {
  layers: () => new Sequential([gru(), lstm()]),
  directions: () => new Sequential([new Bidirectional({ layer: new LSTM({ units: 16, inputShape }) })]),
  'a cell': () =>
    new Sequential([new RNN({ cell: new MinimalRNNCell(24), inputShape, ...all }), new LSTM({ units: 16 })]),
  'states and generators': () =>
    new Sequential([
      gru({ stateful: true, dropout: 0.5, batchInputShape: [2, null, 4] }),
      new Dropout({ rate: 0.5 }),
      lstm(),
    ]),
  'one of two carried states': () =>
    new Sequential([new LSTM({ units: 1, stateful: true, batchInputShape: [1200, null, 1] })]), // 4800 bytes each
  'layers inside': () =>
    new Sequential([
      Input({ shape: inputShape }),
      new Sequential([gru({ inputShape: null })]),
      new TimeDistributed({ layer: new Dense({ units: 4 }) }),
      lstm(),
    ]),
  'first data': () => new Sequential([gru({ inputShape: null }), lstm()]).predict(sequences(1, 3, 4)),
}

/** Runs `fn` in an engine of few bytes, where nothing may be alive behind it. */
function tight(fn: () => void): void {
  const engine = createEngine({ maxBytes: 7000 })
  engine.use(() => balanced(fn, engine))
  engine.dispose()
}

for (const [name, make] of Object.entries(large)) {
  test(`a model that does not fit leaves nothing behind: ${name}`, () =>
    tight(() => {
      fails(make, MemoryError, /no memory/)
      fails(() => scope(make), MemoryError, /no memory/)
      using small = new Sequential([new GRU({ units: 8, inputShape })])
      assert.equal(small.predict(sequences(1, 3, 4)).shape, [1, 8])
    }))
}

test('a layer that cannot be made from its config leaves no model inside it behind', () =>
  balanced(() => {
    using model = new Sequential([new Dense({ units: 2, inputShape: [3] })])
    using each = new TimeDistributed({ layer: model })
    const config = serialize(each)
    deserialize(config).dispose()
    config.config.dtype = 'float16'
    fails(() => deserialize(config), UnsupportedError, /TimeDistributed: dtype/)
  }))

test('layers that were built before stay as they are, the others can be built again, for other inputs too', () =>
  tight(() => {
    const [before, cell] = [new GRU({ units: 4, ...all }), new MinimalRNNCell(4)]
    before.build([null, null, 4])
    const weights = before.getWeights()
    const inner = new RNN({ cell, ...all })
    using next = new Sequential([new Dense({ units: 4 })])
    fails(
      () => new Sequential([Input({ shape: inputShape }), before, inner, next, lstm(), lstm()]),
      MemoryError,
      /no memory/,
    )
    assert.equal(before.getWeights(), weights)
    fails(() => before.input, StateError, /has not been applied/)
    assert.equal(
      [inner, cell, next, ...next.layers].map(layer => [layer.built, layer.weights.length]),
      Array(4).fill([false, 0]),
    )
    before.dispose()
    using model = new Sequential([Input({ shape: [null, 7] }), inner, next])
    assert.equal(model.predict(sequences(2, 3, 7)).shape, [2, 3, 4])
    assert.is(model.weights.length, 4)
  }))

test('a layer that does not fit is not added, and the model is as before', () =>
  tight(() => {
    using model = new Sequential()
    fails(() => model.add(new LSTM({ units: 40, inputShape })), MemoryError, /no memory/)
    assert.is(model.batchInputShape, null)
    model.add(new GRU({ units: 4, inputShape: [null, 3], ...all }))
    const y = model.predict(sequences(1, 2, 3))
    fails(() => model.add(new LSTM({ units: 20 })), MemoryError, /no memory/)
    assert.equal(model.predict(sequences(1, 2, 3)), y)
    model.add(new Dense({ units: 2 }))
    assert.equal((model.outputs as SymbolicTensor).shape, [null, null, 2])
  }))

test('a build that throws midway: its weights go, the layer is not built, and the next build starts anew', () =>
  balanced(() => {
    let fail = true
    class Two extends Layer {
      readonly inner = new Dense({ units: 3 })
      override build([batch, features]: [number | null, number]) {
        this.addWeight({ shape: [features], name: 'first' })
        this.inner.build([batch, features])
        if (fail) throw new RangeError('not now')
        this.addWeight({ shape: [3], name: 'second' })
      }
      override call(x: SymbolicTensor) {
        return ops.add(this.inner.apply(x), this.weights[1]!)
      }
    }
    using layer = new Two()
    for (const apply of [() => layer.apply([[1, 2]]), () => layer.apply(Input({ shape: [2] }))]) {
      assert.throws(apply, /not now/)
      assert.equal([layer.built, layer.inner.built, layer.weights.length], [false, false, 0])
      assert.throws(() => layer.addWeight({ shape: [1] }), /outside build/)
    }
    fail = false
    scope(() => assert.equal(layer.apply([[1, 2]]).shape, [1, 3]))
    assert.equal(
      layer.weights.map(({ shape }) => shape),
      [[2], [3], [2, 3], [3]],
    )
  }))

test('weights that do not fit the layer: it is not built, and not without them either', () =>
  balanced(() => {
    using layer = new Dense({ units: 2, weights: [[[1, 2, 3]], [1, 2]] })
    for (let i = 0; i < 2; i++) {
      fails(() => layer.apply([[5]]), ShapeError, /kernel/)
      assert.not(layer.built)
    }
  }))

test('a model that fails otherwise gives its weights back too', () =>
  balanced(() => {
    const layers = [gru(), new LSTM({ units: 2, returnState: true })]
    fails(() => new Sequential(layers), ArgumentError, /several outputs/)
    assert.equal(
      layers.map(({ built }) => built),
      [false, false],
    )
  }))

test.run()
