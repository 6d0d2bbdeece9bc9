/** The names in configs of all classes that a bundle carries, minified or not. */
export const carried = code =>
  [...code.matchAll(/\bstatic className ?= ?["'`](\w+)["'`]/g)].map(([, name]) => name).sort()
