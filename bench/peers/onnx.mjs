import proto from 'onnx-proto'

const { onnx } = proto
const { FLOAT, INT32, INT64 } = onnx.TensorProto.DataType
const { INT, STRING, STRINGS } = onnx.AttributeProto.AttributeType
const gates = { LSTM: 4, GRU: 3, SimpleRNN: 1 }
const opset = 14

/**
 * A row as an ONNX model, in the layout that onnxruntime wants: time first, gates of an LSTM in the order i o f c.
 * Inputs: x [steps, batch, features] and, in a stream, h0, c0, h1, … [1, batch, units]; outputs: the result first, then in
 * a stream h0_next, …. Nothing is computed that is not needed: a stream of single steps that ends in a recurrent layer has its
 * state as result.
 */
export function onnxModel(row, weights) {
  const graph = new Graph(row)
  let x = 'x'
  let features = row.features
  row.layers.forEach((layer, index) => {
    const inner = { graph, index, weights: weights[index], x, features }
    x = layer.kind === 'Dense' ? dense(inner, layer) : recurrent(inner, layer, row)
    features = layer.merge === 'concat' ? 2 * layer.units : layer.units
  })
  if (x) graph.outputs.unshift(graph.float(x, [row.steps, row.batch, features]))
  return graph.encode()
}

class Graph {
  #nodes = []
  #constants = []
  #inputs = []
  outputs = []

  constructor({ features, batch, steps, lengths }) {
    this.#inputs.push(this.float('x', [steps, batch, features]))
    if (lengths) this.#constants.push({ name: 'lengths', dims: [batch], dataType: INT32, int32Data: lengths })
  }

  node(opType, input, output, attribute = []) {
    this.#nodes.push({ opType, input, output, attribute })
    return output[0]
  }

  constant(name, dims, data) {
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    this.#constants.push({ name, dims, dataType: FLOAT, rawData })
    return name
  }

  integers(name, values) {
    this.#constants.push({ name, dims: [values.length], dataType: INT64, int64Data: values })
    return name
  }

  /** Values that a stream carries: in under this name, out as `name_next`. */
  carried(name, dims) {
    this.#inputs.push(this.float(name, dims))
    this.outputs.push(this.float(`${name}_next`, dims))
  }

  float(name, dims) {
    const shape = { dim: dims.map(dimValue => ({ dimValue })) }
    return { name, type: { tensorType: { elemType: FLOAT, shape } } }
  }

  encode() {
    const graph = {
      name: 'row',
      node: this.#nodes,
      initializer: this.#constants,
      input: this.#inputs,
      output: this.outputs,
    }
    const model = { irVersion: 8, opsetImport: [{ domain: '', version: opset }], graph }
    return onnx.ModelProto.encode(onnx.ModelProto.fromObject(model)).finish()
  }
}

function dense({ graph, index, weights: [kernel, bias], x, features }, { units, activation }) {
  const w = graph.constant(`w${index}`, [features, units], kernel)
  const b = graph.constant(`b${index}`, [units], bias)
  graph.node('MatMul', [x, w], [`product${index}`])
  const sum = graph.node('Add', [`product${index}`, b], [`sum${index}`])
  return activation === 'softmax' ? graph.node('Softmax', [sum], [`softmax${index}`], [int('axis', -1)]) : sum
}

/** The name of the layer's output; undefined when a state is the result. */
function recurrent({ graph, index, weights, x, features }, layer, { batch, steps, stream, lengths, layers }) {
  const { kind, units, activation, resetAfter = true, merge } = layer
  const name = part => `${part}${index}`
  const n = gates[kind] * units
  const permute = kind === 'LSTM' ? ifcoToIofc(units) : column => column
  const directions = merge ? [weights.slice(0, 3), weights.slice(3)] : [weights]
  const joined = convert => concatenated(directions.map(convert))
  const w = joined(([kernel]) => transposed(kernel, features, n, permute))
  const r = joined(([, own]) => transposed(own, units, n, permute))
  const b = joined(([, , bias]) => bothBiases(bias, n, permute))
  const attributes = [int('hidden_size', units), ...(merge ? [text('direction', 'bidirectional')] : [])]
  if (kind === 'GRU') attributes.push(int('linear_before_reset', resetAfter ? 1 : 0))
  if (activation) {
    const own = activation[0].toUpperCase() + activation.slice(1)
    const each = { LSTM: ['Sigmoid', own, own], GRU: ['Sigmoid', own], SimpleRNN: [own] }[kind]
    attributes.push(texts('activations', merge ? [...each, ...each] : each))
  }
  const states = stream ? (kind === 'LSTM' ? ['h', 'c'] : ['h']).map(name) : []
  for (const state of states) graph.carried(state, [1, batch, units])
  const stateIsResult = stream && steps === 1 && index === layers.length - 1
  graph.node(
    kind === 'SimpleRNN' ? 'RNN' : kind,
    [
      x,
      graph.constant(name('w'), [directions.length, n, features], w),
      graph.constant(name('r'), [directions.length, n, units], r),
      graph.constant(name('b'), [directions.length, 2 * n], b),
      lengths ? 'lengths' : '',
      ...states,
    ],
    [stateIsResult ? '' : name('all'), ...states.map(state => `${state}_next`)],
    attributes,
  )
  if (stateIsResult) return undefined
  if (!merge) return graph.node('Squeeze', [name('all'), graph.integers(name('axes'), [1])], [name('y')])
  if (merge === 'sum') {
    const axes = graph.integers(name('axes'), [1])
    return graph.node('ReduceSum', [name('all'), axes], [name('y')], [int('keepdims', 0)])
  }
  const side = graph.node('Transpose', [name('all')], [name('side')], [ints('perm', [0, 2, 1, 3])])
  return graph.node('Reshape', [side, graph.integers(name('shape'), [steps, batch, 2 * units])], [name('y')])
}

const bytesOf = value => new TextEncoder().encode(value)
const int = (name, i) => ({ name, type: INT, i })
const ints = (name, values) => ({ name, type: onnx.AttributeProto.AttributeType.INTS, ints: values })
const text = (name, s) => ({ name, type: STRING, s: bytesOf(s) })
const texts = (name, values) => ({ name, type: STRINGS, strings: values.map(bytesOf) })

/** From Keras's gate order i f c o: where column `c` of the ONNX order i o f c comes from. */
const ifcoToIofc = units => column => [0, 3, 1, 2][Math.floor(column / units)] * units + (column % units)

function concatenated(parts) {
  const out = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  parts.reduce((at, part) => {
    out.set(part, at)
    return at + part.length
  }, 0)
  return out
}

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
