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

  result.ops = hash([
    ops.softmax(ops.matmul(lib.tensor(numbers(64), [8, 8]), lib.tensor(numbers(64), [8, 8]))).data(),
    ops.exp(lib.tensor(numbers(100))).data(),
    ops.divide(lib.tensor([0]), 0).data(), // NaN has one bit pattern
  ])

  const gradient = ops.grad((a, b) => ops.sum(ops.tanh(ops.matmul(a, ops.sigmoid(b)))))
  const [da, db] = gradient(lib.tensor(numbers(12), [3, 4]), lib.tensor(numbers(20), [4, 5]))
  result.gradients = hash([da.data(), db.data()])

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
