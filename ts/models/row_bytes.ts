/**
 * A row of a stream as bytes: what each of its tensors holds for it, in 32-bit words, little end first.
 *
 *     magic "LRNS" · version 1 · structure · weights · number of words · words … · checksum
 *
 * `structure` is a hash over the records of the model's program, `weights` one over the weights and constants that it reads, in their order
 * there; the checksum is one over all words before it. Every check comes before anything is touched.
 */
import { ArgumentError, ImportError } from '../errors.js'
import { bytesOf } from '../formats/source.js'
import { emptyHash, hashWords as hash } from '../ops/words.js'
import type { Bytes, Data } from '../tensor/shape.js'
import type { Tensor } from '../tensor/tensor.js'

const magic = 0x534e524c
const version = 1
const head = 5

/** What a row of these tensors `[rows, ...]` is saved and loaded by. */
export class RowBytes {
  readonly #layer: string
  readonly #leaves: readonly Tensor[]
  readonly #words: number
  readonly #structure: number
  readonly #weights: number

  constructor(layer: string, leaves: readonly Tensor[], structure: number, weights: readonly Tensor[]) {
    this.#layer = layer
    this.#leaves = leaves
    this.#words = leaves.reduce((sum, tensor) => sum + rowWords(tensor), 0)
    this.#structure = structure
    this.#weights = weights.reduce((value, weight) => hashOf(weight.ready(), value), emptyHash)
  }

  save(row: number): Bytes {
    const words = new Uint32Array(head + this.#words + 1)
    words.set([magic, version, this.#structure, this.#weights, this.#words])
    let at = head
    for (const tensor of this.#leaves) {
      const bytes = bytesIn(rowOf(tensor, row))
      new Uint8Array(words.buffer).set(bytes, 4 * at)
      at += rowWords(tensor)
    }
    words[at] = hash(words.subarray(0, at))
    return new Uint8Array(words.buffer)
  }

  load(row: number, source: unknown): void {
    const words = this.#checked(bytesOf(source, 'loadRow'))
    let at = head
    for (const tensor of this.#leaves) {
      const bytes = bytesIn(rowOf(tensor, row))
      bytes.set(new Uint8Array(words.buffer, 4 * at, bytes.length))
      at += rowWords(tensor)
    }
  }

  /** The words of bytes that are whole and of this model. */
  #checked(bytes: Uint8Array): Uint32Array {
    const layer = this.#layer
    const damaged = (text: string) =>
      new ImportError(`${layer}: loadRow: ${text}`, { layer, argument: 'bytes' })
    if (bytes.length % 4 !== 0 || bytes.length < 4 * (head + 1))
      throw damaged(`${bytes.length} bytes are no saved row, or one that is cut off`)
    const words = new Uint32Array(bytes.slice().buffer)
    const last = words.length - 1
    if (words[last] !== hash(words.subarray(0, last)))
      throw damaged('the bytes are damaged or cut off: their checksum does not fit')
    if (words[0] !== magic) throw damaged('these bytes are no saved row')
    if (words[1] !== version)
      throw damaged(`this row was saved in version ${words[1]}, this package reads ${version}`)
    const other = (text: string, expected: number, actual: number) =>
      new ArgumentError(`${layer}: loadRow: this row was saved by ${text}`, {
        layer,
        argument: 'bytes',
        expected,
        actual,
      })
    if (words[2] !== this.#structure || words[4] !== this.#words || last !== head + this.#words)
      throw other(
        'a model of another structure, or by another version of layer-rnn',
        this.#structure,
        words[2]!,
      )
    if (words[3] !== this.#weights) throw other('a model with other weights', this.#weights, words[3]!)
    return words
  }
}

const rowSize = ({ shape }: Tensor) => shape.slice(1).reduce((product, size) => product * size, 1)

/** The numbers of a row where they lie. */
export function rowOf(tensor: Tensor, row: number): Data {
  const size = rowSize(tensor)
  return tensor.view<Data>().subarray(row * size, (row + 1) * size)
}

const bytesIn = ({ buffer, byteOffset, byteLength }: Data) => new Uint8Array(buffer, byteOffset, byteLength)

/** The words that a row takes; those of a bool, one byte for each element, are filled up. */
const rowWords = (tensor: Tensor) => Math.ceil((rowSize(tensor) * (tensor.dtype === 'bool' ? 1 : 4)) / 4)

/** By tensor, what `hashOf` gave last. */
const hashes = new WeakMap<Tensor, { version: number; start: number; value: number }>()

/** The hash of a tensor's words, on from `start`; computed anew when they have changed. */
function hashOf(tensor: Tensor, start: number): number {
  const { version } = tensor
  const last = hashes.get(tensor)
  if (last?.version === version && last.start === start) return last.value
  const value = hash(wordsOf(tensor.view<Data>()), start)
  hashes.set(tensor, { version, start, value })
  return value
}

const wordsOf = (data: Data) =>
  data instanceof Uint8Array
    ? Uint32Array.from(data)
    : new Uint32Array(data.buffer, data.byteOffset, data.length)
