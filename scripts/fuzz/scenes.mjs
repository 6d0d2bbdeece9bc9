/** What is captured: small uses of the package that together cross the boundary in every way it can be crossed. */
import { load } from './load.mjs'

const api = await load('entry/api.js')
const { Trace } = await load('ops/trace.js')
const { Op } = await load('generated/enums.js')
const { ops, tensor } = api

const ramp = (...shape) => {
  const size = shape.reduce((a, b) => a * b, 1)
  return tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(i + 1)),
    shape,
  )
}
const total = value => ops.sum(ops.multiply(value, value))

/** The value of a function, and its gradients. */
const differ = (fn, ...args) => ops.valueAndGrad(fn)(...args)

/** A model predicts, is printed, goes step by step and is differentiated. */
function model(layers, x, options = {}) {
  const made = new api.Sequential(layers)
  made.predict(x, options)
  made.program()
  const [batch, , ...rest] = x.shape
  const stream = made.stream({ batch })
  stream.step(new Float32Array(batch * rest.reduce((a, b) => a * b, 1)).fill(0.5))
  stream.loadRow(0, stream.saveRow(0))
  stream.dispose()
  ops.grad(() => total(made.apply(x, options)), { variables: made.trainableVariables })()
  made.dispose()
}

const recurrent = {
  lstm: () =>
    model([new api.LSTM({ units: 4, inputShape: [null, 3] }), new api.Dense({ units: 2 })], ramp(2, 5, 3)),
  gru: () =>
    model(
      [
        new api.GRU({ units: 3, returnSequences: true, inputShape: [null, 3] }),
        new api.GRU({ units: 2, resetAfter: false }),
      ],
      ramp(2, 5, 3),
    ),
  masked: () =>
    model(
      [
        new api.Masking({ maskValue: 0, inputShape: [null, 3] }),
        new api.SimpleRNN({ units: 3, activation: 'relu', returnSequences: true }),
        new api.Dropout({ rate: 0.5 }),
        new api.LayerNormalization(),
      ],
      ramp(2, 4, 3),
    ),
  both() {
    const layer = new api.Bidirectional({
      layer: new api.LSTM({ units: 2, dropout: 0.2, recurrentDropout: 0.2 }),
    })
    const mask = [
      [true, true, false],
      [true, false, false],
    ]
    ops.grad(x => total(layer.apply(x, { mask, training: true })))(ramp(2, 3, 2))
    ops.grad(x => total(layer.apply(x)), { segment: 2 })(ramp(2, 3, 2))
    layer.dispose()
  },
  words() {
    const made = new api.Sequential([
      new api.Embedding({ inputDim: 6, outputDim: 3, maskZero: true, inputShape: [null] }),
      new api.GRU({ units: 2, stateful: false }),
    ])
    const ids = tensor(Int32Array.of(1, 2, 0, 3, 0, 0), [2, 3])
    made.predict(ids)
    ops.grad(() => total(made.apply(ids)), { variables: made.trainableVariables })()
    made.dispose()
  },
  stateful() {
    const layer = new api.LSTM({ units: 2, stateful: true })
    for (let i = 0; i < 2; i++) layer.apply(ramp(1, 3, 2))
    layer.dispose()
  },
  images: () =>
    model(
      [new api.ConvLSTM1D({ filters: 2, kernelSize: 2, padding: 'same', inputShape: [null, 4, 1] })],
      ramp(1, 3, 4, 1),
    ),
}

/** A cell with a weight and a gate. */
class Gated extends api.RNNCell {
  stateSize = 3

  build([, features]) {
    this.kernel = this.addWeight({ shape: [features, 3], name: 'kernel' })
    this.recurrent = this.addWeight({ shape: [3, 3], name: 'recurrent' })
  }

  call(x, [h]) {
    const gate = ops.sigmoid(ops.linear(h, this.recurrent))
    const out = ops.add(ops.multiply(gate, h), ops.dot(x, this.kernel))
    return [out, [ops.tanh(out)]]
  }
}

/** Its rows are no strangers, and a sequence runs in its step. */
const mixing = {
  stateSize: 3,
  call: (x, [h]) => {
    const out = ops.tanh(ops.add(ops.subtract(ops.cumsum(x, 1), ops.mean(x, 0)), ops.multiply(h, 0.7)))
    return [out, [out]]
  },
}

/** Cells written with ops: plainly, in segments, under a mask. */
const written = Object.fromEntries(
  Object.entries({ gated: () => new Gated(), mixing: () => mixing }).map(([name, make]) => [
    name,
    () => {
      const layer = new api.RNN({ cell: make(), returnSequences: true })
      const mask = [
        [true, true, false, true],
        [true, false, false, false],
      ]
      const x = ramp(2, 4, 3)
      layer.apply(x, { mask })
      ops.grad(x => total(layer.apply(x)))(x)
      ops.grad(x => total(layer.apply(x, { mask })), { segment: 2 })(x)
      layer.dispose()
      model([new api.RNN({ cell: make(), inputShape: [null, 3] })], x)
    },
  ]),
)

const plain = {
  /** What is run again after refused calls. */
  canary: () => differ((x, w) => total(ops.softmax(ops.tanh(ops.dot(x, w)))), ramp(2, 3), ramp(3, 4)),

  arithmetic() {
    const [a, b] = [ramp(2, 3), ramp(3)]
    differ((a, b) => total(ops.divide(ops.add(ops.exp(a), b), ops.subtract(ops.maximum(a, b), 3))), a, b)
    differ((a, b) => total(ops.where(ops.greater(a, b), ops.multiply(a, b), ops.negative(b))), a, b)
    ops.logicalOr(ops.logicalNot(ops.less(a, 0)), ops.equal(a, b))
    ops.cast(ops.floor(a), 'int32')
    differ(a => total(ops.softmax(ops.gelu(a))), a)
    differ(a => ops.grad(b => total(ops.tanh(b)))(a) && total(ops.sigmoid(ops.stopGradient(a))), a)
  },
  shapes() {
    const a = ramp(2, 3, 4)
    differ(a => total(ops.transpose(ops.slice(ops.reshape(a, [4, 6]), [1, 0], [2, null]), [1, 0])), a)
    differ(a => total(ops.concatenate([a, ops.flip(a, 1)], 2)), a)
    differ(a => total(ops.broadcastTo(ops.sum(a, [0, 2], true), [2, 3, 4])), a)
    differ(a => total(ops.max(ops.cumsum(a, 1), 2)), a)
    differ(a => total(ops.einsum('bij,bkj->bik', a, ops.stack([ramp(3, 4), ramp(3, 4)]))), a)
    differ(a => total(ops.mean(a, 1)), a)
    ops.argmax(a, 1)
    ops.oneHot(tensor(Int32Array.of(0, 2), [2]), 3)
  },
  products() {
    const [a, b, c] = [ramp(2, 3), ramp(3, 4), ramp(4)]
    differ((a, b, c) => total(ops.linear(a, b, c)), a, b, c)
    differ(table => total(ops.take(table, tensor(Int32Array.of(0, 2, 2), [3]), 0)), b)
    differ(
      (x, kernel) => total(ops.conv(x, kernel, { strides: 2, padding: 'same' })),
      ramp(1, 5, 2),
      ramp(2, 2, 3),
    )
    differ(x => total(ops.maxPool(x, 2)), ramp(1, 4, 2))
    ops.random.normal([3, 2], { seed: 1 })
    differ(x => total(ops.random.dropout(x, 0.5, { seed: 1 })), a)
  },
  loops() {
    const x = ramp(4, 2)
    differ(x => total(ops.scan((h, x) => [ops.tanh(ops.add(h, x)), h], ops.zeros([2]), x)[1]), x)
    ops.cond(
      ops.greater(ops.sum(x), 0),
      () => ops.sum(x),
      () => ops.mean(x),
    )
    const reading = { stateSize: 2, call: (x, [h]) => [x, [ops.sum(x).item() > 0 ? ops.tanh(x) : h]] }
    const layer = new api.RNN({ cell: reading, unroll: true })
    layer.apply(ramp(1, 2, 2))
    layer.dispose()
  },
}

const refused = fn => {
  try {
    fn()
  } catch {
    // the calls that led to it are what is wanted
  }
}

/** What the engine refuses by itself. */
const refusals = {
  gradients() {
    const layer = new api.GRU({ units: 2 })
    refused(() => ops.grad(x => total(ops.grad(y => total(layer.apply(y)))(x)))(ramp(1, 2, 2)))
    layer.dispose()
  },
  depth() {
    const inside = (x, depth) =>
      depth === 0 ? ops.tanh(x) : ops.scan(h => [inside(h, depth - 1), h], x, null, { length: 2 })[0]
    refused(() => inside(ramp(2), 9))
  },
}

/** Records that only gradients append; whoever writes to the boundary can send them too. */
const appended = {
  byHand() {
    const { engine } = ramp(1)
    const program = Trace.program(engine, 'predict', trace => {
      const emit = (op, inputs, attrs = []) => trace.emit(op, inputs, attrs)[0]
      const input = (shape, dtype) => trace.input(shape, dtype)
      const [x, y, z] = [input([null, 3]), input([null, 3]), input([3])]
      const [ids, table] = [input([null], 'int32'), input([5, 3])]
      const [images, kernel, dy] = [input([null, 5, 2]), input([4, 3]), input([null, 4, 3])]
      const [time, mask, sequence] = [input([null, 4, 3]), input([null, 4], 'bool'), input([null, 4, 2])]
      const window = [0, 3, 2, 1, 1]
      const lstm = [1, 10, 11, 2, 0, 1, 18] // all outputs and the tape
      const operands = [sequence, input([2, 8]), input([2, 8]), input([8])]
      const [all, tape] = trace.emit(Op.Sequence, operands, lstm)
      return [
        emit(Op.SumTo, [x, z]),
        emit(Op.WeightGrad, [x, y]),
        emit(Op.ActivateGrad, [x, y], [10]),
        emit(Op.Place, [x, emit(Op.Concat, [x, y], [1])], [4, 1, 1, 4, 1]),
        emit(Op.Part, [emit(Op.Concat, [x, y], [1]), x, y], [1, 1]),
        emit(Op.ScatterAdd, [x, ids, table]),
        emit(Op.Size, [x], [2, 0, 1]),
        emit(Op.Carry, [time, time, mask], [4, 1, 1]),
        emit(Op.ConvInputGrad, [dy, kernel, images], window),
        emit(Op.ConvKernelGrad, [images, dy], window),
        ...trace.emit(Op.SequenceGrad, [...operands, tape, all], [...lstm, 0, 1, 15]),
      ]
    })
    const shapes = program.inputs.map(({ shape }) => shape.map(size => size ?? 2))
    const given = shapes.map((shape, i) =>
      program.inputs[i].dtype === 'float32'
        ? ramp(...shape)
        : ops.cast(ops.zeros(shape), program.inputs[i].dtype),
    )
    const call = program.bind(shapes).call(given)
    call.run()
    call.dispose()
    program.dispose()
  },
}

export const scenes = { ...recurrent, ...written, ...plain, ...refusals, ...appended }
