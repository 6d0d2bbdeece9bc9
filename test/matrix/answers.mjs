/**
 * What every runtime must compute bit for bit as Node: hashes over the outputs of fixed models. `lib` is the package's default
 * entry or its global, `load` is `loadModelSync`. No output goes through arithmetic of JavaScript.
 */
export function answers(lib, load, file) {
  const { Dense, Embedding, GRU, Input, LSTM, Masking, Sequential, SimpleRNN, ops } = lib
  const result = {}

  lib.setRandomSeed(7)
  const model = new Sequential([
    new Input({ shape: [null, 6] }),
    new Masking({ maskValue: 0 }),
    new LSTM({ units: 17, returnSequences: true }),
    new GRU({ units: 9, returnSequences: true, resetAfter: false, activation: 'gelu' }),
    new SimpleRNN({ units: 8, returnSequences: true, goBackwards: true }),
    new GRU({ units: 12 }),
    new Dense({ units: 5, activation: 'softmax' }),
  ])
  result.weights = hash(model.getWeights().map(weight => weight.data)) // drawn by our generator, orthogonal by our QR
  const x = numbers(3 * 21 * 6)
  x.fill(0, 0, 5 * 6) // masked steps
  result.forward = hash([model.predict(new lib.NdArray(x, [3, 21, 6])).data])
  model.dispose()

  const small = new Sequential([
    new Embedding({ inputDim: 11, outputDim: 4, inputShape: [null] }),
    new LSTM({ units: 7, returnSequences: true, recurrentActivation: 'hardSigmoid' }),
    new Dense({ units: 3, activation: 'tanh' }),
  ])
  const stream = small.stream({ batch: 2 })
  const steps = []
  for (let t = 0; t < 30; t++) steps.push(stream.step(Int32Array.of(t % 11, (3 * t) % 11)).slice())
  result.stream = hash(steps)
  stream.dispose()
  small.dispose()

  Object.assign(result, traced(lib), fused(lib))

  result.ops = hash([
    ops.softmax(ops.matmul(lib.tensor(numbers(64), [8, 8]), lib.tensor(numbers(64), [8, 8]))).data(),
    ops.exp(lib.tensor(numbers(100))).data(),
    ops.divide(lib.tensor([0]), 0).data(), // NaN has one bit pattern
  ])

  const gradient = ops.grad((a, b) => ops.sum(ops.tanh(ops.matmul(a, ops.sigmoid(b)))))
  const [da, db] = gradient(lib.tensor(numbers(12), [3, 4]), lib.tensor(numbers(20), [4, 5]))
  result['gradients of ops'] = hash([da.data(), db.data()])

  const keras = load(file)
  const [, , features] = keras.inputs.shape
  result.keras = hash([keras.predict(new lib.NdArray(numbers(7 * features), [1, 7, features])).data])
  keras.dispose()

  let error
  try {
    new Dense({ units: -1 })
  } catch (thrown) {
    error = thrown
  }
  if (!(error instanceof lib.ArgumentError)) throw new Error('no ArgumentError')
  return result
}

/** A model around a cell of ops: the whole sequence, step by step, the gradients of its weights. */
function traced(lib) {
  const { Dense, Input, RNN, RNNCell, Sequential, ops } = lib
  class Cell extends RNNCell {
    static className = 'Cell' // minifiers rename classes, and what is drawn goes by names
    stateSize = 6

    build([, features]) {
      this.kernel = this.addWeight({ shape: [features, 6], name: 'kernel' })
      this.recurrent = this.addWeight({ shape: [6, 6], name: 'recurrent' })
      this.built = true
    }

    call(x, [h]) {
      const z = ops.add(ops.dot(x, this.kernel), ops.dot(h, this.recurrent))
      const next = ops.add(ops.multiply(ops.sigmoid(z), h), ops.tanh(z))
      return [ops.exp(ops.negative(ops.abs(next))), [next]]
    }
  }
  const model = new Sequential([
    new Input({ shape: [null, 5] }),
    new RNN({ cell: new Cell(), returnSequences: true }),
    new Dense({ units: 3 }),
  ])
  const x = numbers(2 * 13 * 5)
  const whole = hash([model.predict(new lib.NdArray(x, [2, 13, 5])).data])
  const stream = model.stream({ batch: 2 })
  const [frame, steps] = [new Float32Array(10), []]
  for (let t = 0; t < 13; t++) {
    for (let row = 0; row < 2; row++)
      frame.set(x.subarray((13 * row + t) * 5, (13 * row + t + 1) * 5), 5 * row)
    steps.push(stream.step(frame).slice())
  }
  stream.dispose()
  const gradients = gradientsOf(lib, model, lib.tensor(x, [2, 13, 5]))
  model.dispose()
  return { 'traced forward': whole, 'traced stream': hash(steps), 'traced gradients': gradients }
}

/** Gradients of a model of built-in layers, with masked steps. */
function fused(lib) {
  const { Bidirectional, Dense, GRU, Input, LSTM, Masking, Sequential } = lib
  const model = new Sequential([
    new Input({ shape: [null, 4] }),
    new Masking({ maskValue: 0 }),
    new LSTM({ units: 9, returnSequences: true }),
    new Bidirectional({ layer: new GRU({ units: 5, returnSequences: true, activation: 'softsign' }) }),
    new Dense({ units: 3, activation: 'sigmoid' }),
  ])
  const x = numbers(3 * 11 * 4)
  x.fill(0, 0, 3 * 4) // masked steps
  const gradients = gradientsOf(lib, model, lib.tensor(x, [3, 11, 4]))
  model.dispose()
  return { 'built-in gradients': gradients }
}

/** A hash of the gradients of a sum of squares by the input and the weights. */
function gradientsOf({ ops }, model, x) {
  const loss = x => ops.sum(ops.square(model.apply(x)))
  const variables = model.trainableWeights
  return hash([ops.grad(loss)(x), ...ops.grad(loss, { variables })(x)].map(gradient => gradient.data()))
}

/** Multiples of 2⁻¹⁰ in [-1, 1): the same everywhere without rounding. */
function numbers(length) {
  let state = 1
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state >>> 21) / 1024 - 1
  })
}

/** FNV-1a over the bytes of the arrays. */
function hash(arrays) {
  let value = 0x811c9dc5
  for (const { buffer, byteOffset, byteLength } of arrays) {
    for (const byte of new Uint8Array(buffer, byteOffset, byteLength))
      value = Math.imul(value ^ byte, 0x01000193)
  }
  return (value >>> 0).toString(16).padStart(8, '0')
}
