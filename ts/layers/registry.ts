/** Classes by name: how configs become layers, and layers configs. */
import { ArgumentError, mustBe, UnsupportedError } from '../errors.js'
import { attempt } from './attempt.js'
import type { Layer } from './layer.js'
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

/** A class of ours, by the name that it has in configs. @internal */
export type BuiltinClass = LayerClass & { className?: string }

/** Classes by the names that stand in a config. */
export type CustomObjects = Readonly<Record<string, LayerClass>>

type Config = Readonly<Record<string, unknown>>

const registered = new Map<string, LayerClass>()
let scoped: ReadonlyMap<string, LayerClass> = new Map()

/** What a config means among our classes. */
interface Ours {
  op?: LayerClass
  layer?: LayerClass
  /** Why there is no class, when users have none of this name either. */
  missing(name: string): string
}

let ourClass: ((className: string, config: Config) => Ours) | undefined
const builtin = new Map<string, LayerClass>()
let opOf: ((className: string) => LayerClass | undefined) | undefined

/** Makes classes of ours known by their `className`: called by the modules that list them. @internal */
export function registerBuiltin(classes: readonly BuiltinClass[]): void {
  for (const Class of classes) builtin.set(Class.className!, Class)
  ourClass = findBuiltin
}

/** Says how ops between layers are found, which share names with layers (`Add`). @internal */
export function registerOps(find: (className: string) => LayerClass | undefined): void {
  opOf = find
}

const opModule = /^keras\.(src\.)?ops\b/

function findBuiltin(className: string, config: Config): Ours {
  const [keras, op] = [isKeras(config), isOp(config)]
  const own = keras ? (op ? opOf?.(className) : builtin.get(className)) : undefined
  const missing = (name: string) => {
    if (!keras) {
      const who = name === className ? `"${name}"` : `"${className}", registered as "${name}",`
      return `${who} is a class of a user: it is given as customObjects or registered with registerSerializable`
    }
    if (typeof config.module === 'string') {
      const files = opOf ? '' : '; import layer-rnn/keras for those that only files have'
      return `Keras's ${op ? 'op' : 'layer'} ${className} is not supported${files}`
    }
    // no other than that: one class in the place of another computes something else
    const same = [...builtin.keys()].find(each => each.toLowerCase() === className.toLowerCase())
    const near = same === undefined ? '' : ` (did you mean "${same}"?)`
    return `there is no layer class "${className}"${near}: one of Keras's is not supported, your own are given as customObjects or registered with registerSerializable`
  }
  return { [op ? 'op' : 'layer']: own, missing }
}

/** Whether a config is that of an op. HDF5 files do not say its module; a layer's own config has `trainable`. */
function isOp({ module, class_name: name, config }: Config): boolean {
  if (typeof module === 'string') return opModule.test(module)
  return opOf?.(name as string) !== undefined && !('trainable' in (config as object))
}

/** Whether a config may mean a class of Keras: it names Keras's module or none, and no package of a user. @internal */
export function isKeras({ module, class_name, registered_name }: Config): boolean {
  if (`${registered_name}${class_name}`.includes('>')) return false
  if (module === undefined || module === null) return true
  return typeof module === 'string' && /^((tf_)?keras|tensorflow\.(python\.)?keras)(\.|$)/.test(module)
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
    return attempt(() => find(config.class_name as string, config).fromConfig(config.config as Config))
  } finally {
    scoped = outer
  }
}

function find(className: string, config: Config): LayerClass {
  const ours = ourClass?.(className, config)
  if (ours?.op) return ours.op
  const { registered_name: registeredName } = config
  // Keras writes "Package>Name" into registered_name, in old files into class_name.
  const name = typeof registeredName === 'string' ? registeredName : className
  const short = className.slice(className.lastIndexOf('>') + 1)
  const found =
    scoped.get(name) ?? scoped.get(short) ?? registered.get(name) ?? registered.get(`Custom>${short}`)
  if (found ?? ours?.layer) return (found ?? ours?.layer)!
  // Bundlers leave the list of our classes out when nothing that reads configs is imported.
  const text =
    ours?.missing(name) ??
    `there is no layer class "${className}"; import deserialize, which brings ours, or register the class with registerSerializable`
  throw new UnsupportedError(text, { layer: className, actual: className })
}
