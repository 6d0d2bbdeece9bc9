/** Initializers: first values of weights, computed in the engine when a weight is first needed. */
import { scope } from '../engine/handle.js'
import { ArgumentError, show, UnsupportedError } from '../errors.js'
import { part } from '../installed.js'
import { hint, pascalCase } from '../layers/names.js'
import {
  configOptions,
  type Field,
  type Fields,
  type Place,
  readOptions,
  reject,
  writeConfig,
} from '../layers/options.js'
import { isPlain } from '../layers/structure.js'
import { type Key, seedKey } from '../ops/seed.js'
import type { Tensor } from '../tensor/tensor.js'
import { constantDraws } from './constants.js'
import { kinds } from './kinds.js'

/** How a kind of initializer draws a tensor of `shape`. */
// biome-ignore lint/suspicious/noExplicitAny: each kind reads its own options
export type Draw = (options: any, shape: readonly number[], key: Key) => Tensor

const aliases: Record<string, string> = {
  Uniform: 'RandomUniform',
  Normal: 'RandomNormal',
  One: 'Ones',
  Zero: 'Zeros',
  Eye: 'Identity',
  IdentityInitializer: 'Identity',
  OrthogonalInitializer: 'Orthogonal',
}

/** Names of initializers without options. `'uniform'` is RandomUniform(-0.05, 0.05). */
export type InitializerName =
  | 'zeros'
  | 'ones'
  | 'constant'
  | 'identity'
  | 'uniform'
  | 'randomUniform'
  | 'normal'
  | 'randomNormal'
  | 'truncatedNormal'
  | 'varianceScaling'
  | 'glorotUniform'
  | 'glorotNormal'
  | 'heUniform'
  | 'heNormal'
  | 'lecunUniform'
  | 'lecunNormal'
  | 'orthogonal'

/** Draws first values of a weight; made by the functions of `initializers`. */
export class Initializer {
  readonly className: string
  readonly #fields: Fields
  readonly #options: Record<string, unknown>

  constructor(className: string, options: object = {}) {
    const fields = Object.hasOwn(kinds, className) ? kinds[className] : undefined
    if (!fields) {
      throw new ArgumentError(
        `no initializer ${show(className)}${hint(String(className), Object.keys(kinds))}`,
        {
          actual: className,
        },
      )
    }
    this.className = className
    this.#fields = fields
    this.#options = readOptions(className, fields, options)
  }

  /** A new tensor of `shape`. A `seed` option decides alone; without one, `key` does. */
  draw(shape: readonly number[], key: Key): Tensor {
    const { seed } = this.#options
    const draw = constantDraws[this.className] ?? part('draws')[this.className]!
    return scope(() => draw(this.#options, shape, typeof seed === 'number' ? seedKey(seed) : key))
  }

  getConfig(): Record<string, unknown> {
    return writeConfig(this.#fields, this.#options)
  }
}

/** Anything that draws first values: every Initializer, and what a user writes. */
export interface Drawing {
  /** A new tensor of `shape`; `key` is the weight's own random stream. */
  draw(shape: readonly number[], key: Key): Tensor
}

/** What an initializer option takes: a name, an initializer, or a config. */
export type InitializerLike =
  | InitializerName
  | Drawing
  | { readonly className: string; readonly config?: object }
  | { readonly class_name: string; readonly config?: object }

/** An initializer from a name, a config or an initializer. */
export function getInitializer(value: unknown, place: Place): Drawing {
  if (value instanceof Initializer || typeof (value as Drawing | null)?.draw === 'function')
    return value as Drawing
  if (typeof value === 'string') return named(value, {}, place)
  if (isPlain(value)) {
    const name = value.class_name ?? value.className
    const config = value.config ?? {}
    if (typeof name === 'string' && isPlain(config)) return named(name, configOptions(config), place)
  }
  return reject(place, 'the name of an initializer, an initializer or its config', value)
}

function named(name: string, options: object, place: Place): Initializer {
  const pascal = pascalCase(name)
  const className =
    aliases[pascal] ?? Object.keys(kinds).find(kind => kind.toLowerCase() === pascal.toLowerCase())
  if (className !== undefined) return new Initializer(className, options)
  throw new ArgumentError(
    `${place.layer}: ${place.argument} "${name}" is no initializer${hint(pascal, Object.keys(kinds))}`,
    {
      ...place,
      actual: name,
    },
  )
}

/** An initializer option. */
export const initializer = (initial: InitializerName): Field<Drawing> => ({
  // A getter: the tables of kinds are filled when the modules have all been read.
  get default() {
    return named(initial, {}, { layer: '', argument: '' })
  },
  read: getInitializer,
  write: serializeInitializer,
})

/** `{ module: 'keras.initializers', class_name, config, registered_name: null }`. */
function serializeInitializer(value: Drawing): Record<string, unknown> {
  if (!(value instanceof Initializer)) {
    throw new UnsupportedError('an initializer of your own has no config', { argument: 'initializer' })
  }
  return {
    module: 'keras.initializers',
    class_name: value.className,
    config: value.getConfig(),
    registered_name: null,
  }
}
