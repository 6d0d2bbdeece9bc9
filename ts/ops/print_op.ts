/** Ops and their attributes by name, for printing. */
import { CellKind, Op } from '../generated/enums.js'
import * as names from '../generated/names.js'

/** An op in a program. */
interface Printed {
  op: number
  attrs: readonly number[]
}

/** Ops whose first attribute says which of these they are, and what is put behind the name. */
const kinds: { readonly [op: number]: readonly [names: readonly string[], suffix?: string] } = {
  [Op.Unary]: [names.Unary],
  [Op.Binary]: [names.Binary],
  [Op.Compare]: [names.Compare],
  [Op.Logical]: [names.Logical],
  [Op.Activate]: [names.Activation],
  [Op.ActivateGrad]: [names.Activation, 'Grad'],
  [Op.Reduce]: [names.Reduce],
  [Op.ArgReduce]: [['argMax', 'argMin']],
}

/** What an enum calls a number. */
export function nameOf(names: readonly string[], code = -1): string {
  const name = names[code] ?? ''
  return name.charAt(0).toLowerCase() + name.slice(1)
}

/** The name of an op. */
export function opOf({ op, attrs }: Printed): string {
  const [own, suffix = ''] = kinds[op] ?? []
  return own ? nameOf(own, attrs[0]) + suffix : nameOf(names.Op, op)
}

/** The names of the bits that are set. */
const bitsOf = (word: number, names: readonly string[]) => names.filter((_, bit) => (word >> bit) & 1)

/** The flags that all loops over time have. */
export const flagsOf = (flags: number) => bitsOf(flags, ['backward', 'zero output'])

const float = new Float32Array(1)
const word = new Int32Array(float.buffer)

function floatOf(bits: number): number {
  word[0] = bits
  return float[0]!
}

function slices(parts: readonly number[]): string[] {
  const texts: string[] = []
  for (let at = 0; at < parts.length; at += 4) {
    const [axis, begin, end, step] = parts.slice(at, at + 4)
    texts.push(`axis ${axis}: ${begin}…${end === 2 ** 31 - 1 ? '' : end}${step === 1 ? '' : ` by ${step}`}`)
  }
  return texts
}

const joined = (what: string, names: readonly string[]) =>
  names.length > 0 ? [`${what} ${names.join(' + ')}`] : []

function cell(attrs: readonly number[]): string[] {
  const [kind, activation, recurrent, units, flags = 0, operands = 0, results = 0, segment] = attrs
  const plain = kind === CellKind.SimpleRnn
  return [
    `${nameOf(names.CellKind, kind)} ${units}`,
    nameOf(names.Activation, activation),
    ...(plain ? [] : [nameOf(names.Activation, recurrent)]),
    ...flagsOf(flags),
    ...(flags & 4 ? ['time first'] : []),
    ...joined('with', bitsOf(operands, ['bias', 'mask', 'initial states', 'previous'])),
    ...joined('gives', bitsOf(results, ['last', 'all', 'states', 'previous', 'tape'])),
    ...(segment ? [`segments of ${segment}`] : []),
  ]
}

const attributes: { readonly [op: number]: (attrs: readonly number[]) => readonly string[] } = {
  [Op.Transpose]: ([, ...axes]) => [`axes ${axes}`],
  [Op.Flip]: ([, ...axes]) => [`axes ${axes}`],
  [Op.Slice]: ([, ...parts]) => slices(parts),
  [Op.Place]: ([, ...parts]) => slices(parts),
  [Op.Concat]: ([axis]) => [`axis ${axis}`],
  [Op.Part]: ([axis, which]) => [`axis ${axis}`, `number ${which}`],
  [Op.Fill]: ([dtype, bits]) => [`${dtype === 0 ? floatOf(bits!) : bits}`],
  [Op.Reduce]: ([, keep, , ...axes]) => [`axes ${axes}`, ...(keep ? ['kept'] : [])],
  [Op.ArgReduce]: ([, axis]) => [`axis ${axis}`],
  [Op.MatMul]: ([transposed]) => (transposed ? ['second transposed'] : []),
  [Op.Random]: ([kind, a, b]) => [`${nameOf(names.Distribution, kind)} ${floatOf(a!)} ${floatOf(b!)}`],
  [Op.Size]: ([, ...axes]) => [`axes ${axes}`],
  [Op.Carry]: ([flags]) => flagsOf(flags!),
  [Op.Sequence]: cell,
  [Op.SequenceGrad]: cell,
}

/** What an op's attributes say. */
export function attributesOf({ op, attrs }: Printed): readonly string[] {
  return attributes[op]?.(attrs) ?? []
}
