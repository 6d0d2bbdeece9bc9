/**
 * Weights as Keras 2's CuDNNLSTM and CuDNNGRU keep them: the blocks of the gates in cuDNN's layout, and a bias for the inputs in front of
 * one for the state. Here they become those of LSTM and of GRU with the reset after, which compute the same.
 */
import { isPlain, mapValues } from '../../layers/structure.js'
import type { Numbers } from './weights.js'

/** What the layers are called here, and what they leave unsaid. */
const plain = new Map<unknown, [name: string, rest: Record<string, unknown>]>([
  ['CuDNNLSTM', ['LSTM', { recurrent_activation: 'sigmoid' }]],
  ['CuDNNGRU', ['GRU', { recurrent_activation: 'sigmoid', reset_after: true }]],
])

/** A copy of a config with these layers in Keras's own terms, wherever they stand. */
export function withoutCudnn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutCudnn)
  if (!isPlain(value)) return value
  const copy = mapValues(value, withoutCudnn)
  const [name, rest] = plain.get(copy.class_name) ?? []
  return name && isPlain(copy.config)
    ? { ...copy, class_name: name, config: { ...rest, ...copy.config } }
    : copy
}

/** The weights of a layer, those of cuDNN's kind converted. They are told by their bias, which is twice as long as any other. */
export function fromCudnn(numbers: readonly Numbers[]): Numbers[] {
  const converted = [...numbers]
  for (let i = 0; i + 2 < numbers.length; i++) {
    const [kernel, recurrent, bias] = numbers.slice(i, i + 3) as [Numbers, Numbers, Numbers]
    const units = recurrent.shape[0] ?? 0
    const gates = (recurrent.shape[1] ?? 0) / units
    const square =
      recurrent.shape.length === 2 && kernel.shape.length === 2 && kernel.shape[1] === gates * units
    if (!square || (gates !== 3 && gates !== 4)) continue
    if (bias.shape.length !== 1 || bias.shape[0] !== 2 * gates * units) continue
    const inputs = kernel.shape[0]!
    converted[i] = blocks(kernel, gates, (row, column) => row + inputs * column)
    converted[i + 1] = blocks(recurrent, gates, (row, column) => column * units + row)
    converted[i + 2] = gates === 3 ? { ...whole(bias), shape: [2, gates * units] } : halvesAdded(bias)
    i += 2
  }
  return converted
}

const whole = (one: Numbers): Numbers => ({ path: one.path, shape: one.shape, data: () => one.data() })

/** A matrix of gates side by side; `place` says where in a gate's own numbers, row after row, each element is. */
function blocks(one: Numbers, gates: number, place: (row: number, column: number) => number): Numbers {
  const [rows, columns] = one.shape as [number, number]
  const width = columns / gates
  const data = () => {
    const from = one.data()
    return from.map((_, index) => {
      const row = Math.floor(index / columns)
      const gate = Math.floor((index % columns) / width)
      const at = place(row, index % width)
      return from[Math.floor(at / width) * columns + gate * width + (at % width)]!
    })
  }
  return { path: one.path, shape: [rows, columns], data }
}

/** The bias of the inputs plus that of the state. */
function halvesAdded(bias: Numbers): Numbers {
  const half = bias.shape[0]! / 2
  const data = () => {
    const both = bias.data()
    return both.subarray(0, half).map((value, i) => value + both[half + i]!)
  }
  return { path: bias.path, shape: [half], data }
}
