import proto from 'onnx-proto'

const { onnx } = proto
const { FLOAT, INT64 } = onnx.TensorProto.DataType
const { INT } = onnx.AttributeProto.AttributeType
const gates = { LSTM: 4, GRU: 3, SimpleRNN: 1 }

/**
 * A row as an ONNX model, in the layout that onnxruntime wants: time first, gates of an LSTM in the order i o f c.
 * Inputs: x [steps, batch, features] and, in a stream, h0, c0, h1, … [1, batch, units]; outputs: the result first, then in
 * a stream h0_next, …. Nothing is computed that is not needed: a stream that ends in a recurrent layer has its state as result.
 */
export function onnxModel({ features, layers, batch, steps }, weights) {
  const streams = steps === 'stream'
  const time = streams ? 1 : steps
  const graph = { name: 'row', node: [], initializer: [], input: [], output: [] }
  const constant = (name, dims, data) => {
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    graph.initializer.push({ name, dims, dataType: FLOAT, rawData })
    return name
  }
  graph.input.push(float('x', [time, batch, features]))

  let x = 'x'
  let result
  let inputs = features
  layers.forEach(({ kind, units, activation, resetAfter = true }, index) => {
    const isLast = index === layers.length - 1
    const name = part => `${part}${index}`
    const [kernel, recurrent, bias] = weights[index]
    if (kind === 'Dense') {
      const w = constant(name('w'), [inputs, units], kernel)
      const b = constant(name('b'), [units], recurrent)
      graph.node.push({ opType: 'MatMul', input: [x, w], output: [name('product')] })
      graph.node.push({ opType: 'Add', input: [name('product'), b], output: [name('sum')] })
      x = name('sum')
      if (activation === 'softmax') {
        graph.node.push({
          opType: 'Softmax',
          input: [x],
          output: [name('softmax')],
          attribute: [int('axis', -1)],
        })
        x = name('softmax')
      }
      result = float(x, [time, batch, units])
    } else {
      const n = gates[kind] * units
      const permute = kind === 'LSTM' ? ifcoToIofc(units) : column => column
      const w = constant(name('w'), [1, n, inputs], transposed(kernel, inputs, n, permute))
      const r = constant(name('r'), [1, n, units], transposed(recurrent, units, n, permute))
      const b = constant(name('b'), [1, 2 * n], bothBiases(bias, n, permute))
      const states = kind === 'LSTM' ? ['h', 'c'] : ['h']
      const attribute = [int('hidden_size', units)]
      if (kind === 'GRU') attribute.push(int('linear_before_reset', resetAfter ? 1 : 0))
      graph.node.push({
        opType: kind === 'SimpleRNN' ? 'RNN' : kind,
        input: [x, w, r, b, '', ...(streams ? states.map(name) : [])],
        output: [
          streams && isLast ? '' : name('all'),
          ...(streams ? states.map(state => `${name(state)}_next`) : []),
        ],
        attribute,
      })
      x = name('y')
      if (!isLast) {
        const axes = { name: name('axes'), dims: [1], dataType: INT64, int64Data: [1] }
        graph.initializer.push(axes)
        graph.node.push({ opType: 'Squeeze', input: [name('all'), axes.name], output: [x] })
      }
      result = float(name('all'), [time, 1, batch, units])
      if (streams) {
        graph.input.push(...states.map(state => float(name(state), [1, batch, units])))
        graph.output.push(...states.map(state => float(`${name(state)}_next`, [1, batch, units])))
        if (isLast) result = undefined
      }
    }
    inputs = units
  })
  if (result) graph.output.unshift(result)
  const model = { irVersion: 8, opsetImport: [{ domain: '', version: 14 }], graph }
  return onnx.ModelProto.encode(onnx.ModelProto.fromObject(model)).finish()
}

const int = (name, i) => ({ name, type: INT, i })

const float = (name, dims) => ({
  name,
  type: { tensorType: { elemType: FLOAT, shape: { dim: dims.map(dimValue => ({ dimValue })) } } },
})

/** From Keras's gate order i f c o: where column `c` of the ONNX order i o f c comes from. */
const ifcoToIofc = units => column => [0, 3, 1, 2][Math.floor(column / units)] * units + (column % units)

/** [rows, columns] → [columns, rows], with permuted columns. */
function transposed(data, rows, columns, permute) {
  const out = new Float32Array(rows * columns)
  for (let c = 0; c < columns; c++)
    for (let r = 0; r < rows; r++) out[c * rows + r] = data[r * columns + permute(c)]
  return out
}

/** ONNX wants the input bias and the recurrent bias; Keras has both only in a GRU with the reset after the product. */
function bothBiases(bias, n, permute) {
  const out = new Float32Array(2 * n)
  for (let i = 0; i < bias.length; i++) out[i] = bias[i < n ? permute(i) : n + permute(i - n)]
  return out
}
