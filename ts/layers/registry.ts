/** Classes by name: how configs become layers, and layers configs. */
import { ArgumentError, mustBe, UnsupportedError } from '../errors.js'
import type { Layer } from './layer.js'
import { hint } from './names.js'
import { moduleOf, nameClass } from './naming.js'
import { checkOptions } from './options.js'
import { isPlain } from './structure.js'

/** A layer, cell or model in Keras's form. */
export interface LayerConfig {
  module: string | null
  class_name: string
  config: Record<string, unknown>
  registered_name: string | null
}

/** A class that can be made from a config. */
export type LayerClass = (abstract new (
  ...args: never[]
) => Layer) & {
  fromConfig(config: Readonly<Record<string, unknown>>): Layer
}

/** Classes by the names that stand in a config. */
export type CustomObjects = Readonly<Record<string, LayerClass>>

const builtin = new Map<string, LayerClass>()
const registered = new Map<string, LayerClass>()
let scoped: ReadonlyMap<string, LayerClass> = new Map()

/** Makes built-in classes known by their `className`: called once, by the module that lists them. @internal */
export function registerBuiltin(classes: readonly (LayerClass & { className?: string })[]): void {
  for (const Class of classes) builtin.set(Class.className!, Class)
}

/**
 * Lets configs and files name a class of the user. The name is explicit, since minifiers rename classes.
 *
 *     registerSerializable(MinimalRNNCell, { package: 'Custom', name: 'MinimalRNNCell' })
 */
export function registerSerializable(
  Class: LayerClass,
  options: { package?: string; name?: string } = {},
): void {
  checkOptions('registerSerializable', options, ['package', 'name'])
  const { package: group = 'Custom', name = Class.name } = options
  if (!name) throw new ArgumentError('registerSerializable needs a name for this class', { argument: 'name' })
  registered.set(`${group}>${name}`, Class)
  nameClass(Class, name)
}

/** The config from which `deserialize` makes an equal layer. Weights are not part of it. */
export function serialize(layer: Layer): LayerConfig {
  if (typeof layer?.getConfig !== 'function')
    throw mustBe('serialize', 'layer', 'a layer, cell or model', layer)
  const Class = layer.constructor as unknown as LayerClass
  const name = [...registered].find(([, each]) => each === Class)?.[0] ?? null
  return {
    module: moduleOf(Class),
    class_name: layer.className,
    config: layer.getConfig(),
    registered_name: name,
  }
}

/** The same of a layer whose input is said by the model or layer around it; Keras 3 accepts no second saying. @internal */
export function serializeInner(layer: Layer): LayerConfig {
  const { config, ...rest } = serialize(layer)
  const { batch_input_shape: _, ...own } = config
  return { ...rest, config: own }
}

/** What `deserialize` makes, of the classes that are there. @internal */
export function make(config: unknown, customObjects: CustomObjects = {}): Layer {
  if (!isPlain(config) || typeof config.class_name !== 'string' || !isPlain(config.config)) {
    throw new ArgumentError('a config has "class_name" and "config"', {
      argument: 'config',
      expected: '{ class_name, config }',
      actual: config,
    })
  }
  const outer = scoped
  scoped = new Map([...outer, ...Object.entries(customObjects)])
  try {
    return find(config.class_name, config.registered_name).fromConfig(config.config)
  } finally {
    scoped = outer
  }
}

function find(className: string, registeredName: unknown): LayerClass {
  // Keras writes "Package>Name" into registered_name, in old files into class_name.
  const name = typeof registeredName === 'string' ? registeredName : className
  const short = className.slice(className.lastIndexOf('>') + 1)
  const Class =
    scoped.get(name) ?? scoped.get(short) ?? registered.get(name) ?? registered.get(`Custom>${short}`)
  const found = Class ?? builtin.get(className)
  if (found) return found
  // Bundlers leave the list of our classes out when nothing that reads configs is imported.
  const remedy =
    builtin.size === 0
      ? 'import deserialize, which brings ours, or register the class with registerSerializable'
      : 'your own are given as customObjects or registered with registerSerializable'
  throw new UnsupportedError(
    `there is no layer class "${className}"${hint(className, builtin.keys())}; ${remedy}`,
    {
      layer: className,
      actual: className,
    },
  )
}
