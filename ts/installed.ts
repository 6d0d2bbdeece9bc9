/** What `layer-rnn` has and `layer-rnn/infer` has not. Entries install it; what belongs to a class or an option of both asks for it here. */
import { UnsupportedError } from './errors.js'
import type { Draw } from './initializers/initializer.js'
import type { activationOf } from './layers/activation_classes.js'
import type { readModel, readSequential, writeGraph } from './models/config.js'
import type { printModel } from './models/print.js'
import type { summarize } from './models/summary.js'
import type { dropout } from './ops/random.js'

interface Parts {
  printModel: typeof printModel
  summarize: typeof summarize
  /** Configs of models, those that are graphs and those that are not. */
  readModel: typeof readModel
  readSequential: typeof readSequential
  writeGraph: typeof writeGraph
  dropout: typeof dropout
  /** Activations that are layers of Keras, in configs. */
  activationOf: typeof activationOf
  /** First values that are drawn, by the names of initializers. */
  draws: Readonly<Record<string, Draw>>
}

/** What each does. */
const uses: Record<keyof Parts, string> = {
  printModel: 'prints programs',
  summarize: 'prints summaries',
  readModel: 'reads configs of models',
  readSequential: 'reads configs of models',
  writeGraph: 'writes configs of graphs',
  dropout: 'draws random numbers',
  activationOf: 'reads activations that are layers',
  draws: 'draws first values of weights',
}

const installed: Partial<Parts> = {}

export function install(parts: Partial<Parts>): void {
  Object.assign(installed, parts)
}

/** @throws {UnsupportedError} when no entry has installed it */
export function part<K extends keyof Parts>(name: K): Parts[K] {
  const found = installed[name]
  if (found) return found
  const what = uses[name].startsWith('reads') ? 'deserialize from layer-rnn' : 'layer-rnn'
  throw new UnsupportedError(
    `no imported entry ${uses[name]}: import ${what}, beside slim entries layer-rnn/slim`,
  )
}
