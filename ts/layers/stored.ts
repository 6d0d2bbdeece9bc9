/** Regularizers and constraints: checked, and kept in configs; they act in training. */
import { ArgumentError } from '../errors.js'
import { hint, pascalCase } from './names.js'
import {
  configOptions,
  type Field,
  type Fields,
  keyword,
  number,
  type Place,
  readOptions,
  reject,
  writeConfig,
} from './options.js'
import { isPlain } from './structure.js'

/** A regularizer or constraint: its class in Keras and its options. */
export interface Stored {
  readonly className: string
  readonly config: Readonly<Record<string, unknown>>
}

/** What a regularizer or constraint option takes: a name, `{ className, config }`, or null for none. */
export type StoredLike<Name extends string> =
  | Name
  | { readonly className: string; readonly config?: object }
  | { readonly class_name: string; readonly config?: object }
  | null

export type RegularizerLike = StoredLike<'l1' | 'l2' | 'l1L2' | 'orthogonalRegularizer'>
export type ConstraintLike = StoredLike<'maxNorm' | 'nonNeg' | 'unitNorm' | 'minMaxNorm'>

const axis: Field = {
  ...number(0),
  read: (value, place) => (isAxis(value) ? value : reject(place, 'an axis or axes', value)),
}
const isAxis = (value: unknown): boolean =>
  Number.isInteger(value) || (Array.isArray(value) && value.every(Number.isInteger))

const regularizers: Record<string, Fields> = {
  L1: { l1: number(0.01) },
  L2: { l2: number(0.01) },
  L1L2: { l1: number(0), l2: number(0) },
  OrthogonalRegularizer: { factor: number(0.01), mode: keyword('rows', 'columns') },
}

const constraints: Record<string, Fields> = {
  MaxNorm: { maxValue: number(2), axis },
  NonNeg: {},
  UnitNorm: { axis },
  MinMaxNorm: { minValue: number(0), maxValue: number(1), rate: number(1), axis },
}

export const regularizer = (): Field<Stored | null> => stored('regularizer', regularizers)
export const constraint = (): Field<Stored | null> => stored('constraint', constraints)

function stored(noun: string, table: Record<string, Fields>): Field<Stored | null> {
  return {
    default: null,
    read: (value, place) => (value === null ? null : read(noun, table, value, place)),
    write: value =>
      value && {
        module: `keras.${noun}s`,
        class_name: value.className,
        config: writeConfig(table[value.className]!, value.config),
        registered_name: null,
      },
  }
}

function read(noun: string, table: Record<string, Fields>, value: unknown, place: Place): Stored {
  const given = isPlain(value) ? value : { className: value }
  const name = given.className ?? given.class_name
  const config = given.config ?? {}
  if (typeof name !== 'string' || !isPlain(config)) {
    return reject(place, `the name of a ${noun}, { className, config } or null`, value)
  }
  const className = Object.keys(table).find(known => known.toLowerCase() === pascalCase(name).toLowerCase())
  if (className === undefined) {
    const known = Object.keys(table)
    throw new ArgumentError(`${place.layer}: ${place.argument} "${name}" is no ${noun}${hint(name, known)}`, {
      ...place,
      actual: name,
    })
  }
  return { className, config: readOptions(className, table[className]!, configOptions(config)) }
}

/** Refuses rules among the options of a weight that there are not. */
export function checkRules(layer: string, options: { regularizer?: unknown; constraint?: unknown }): void {
  regularizer().read(options.regularizer ?? null, { layer, argument: 'regularizer' })
  constraint().read(options.constraint ?? null, { layer, argument: 'constraint' })
}
