/** Names of layers in their model, and of classes in configs. */
import type { Layer } from './layer.js'

/** Gives layers names that are unique among them; names chosen by the user come first. */
export function assignNames(layers: readonly Layer[]): void {
  const taken = new Set<string>()
  const once = [...new Set(layers)]
  const chosen = once.filter(layer => layer.hasOwnName)
  for (const layer of [...chosen, ...once.filter(layer => !layer.hasOwnName)]) layer.takeName(taken)
}

/** Where Keras has a class of ours; null for others, also when they inherit from it. */
export function moduleOf(Class: object): string | null {
  return Object.hasOwn(Class, 'module') ? (Class as { module: string }).module : null
}

const registered = new WeakMap<object, string>()

/** The name of a class in configs: its own, the registered one, or JavaScript's. */
export function classNameOf(Class: abstract new (...args: never[]) => Layer): string {
  const own = Object.hasOwn(Class, 'className') ? (Class as { className?: string }).className : undefined
  return own ?? registered.get(Class) ?? Class.name
}

/** Remembers the name under which a class was registered. @internal */
export function nameClass(Class: object, name: string): void {
  registered.set(Class, name)
}
