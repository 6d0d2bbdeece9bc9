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

const reading = 'reads no configs of models, nor does layer-rnn without its deserialize'

/** What cannot be done without each. */
const uses: Record<keyof Parts, string> = {
  printModel: 'prints no programs',
  summarize: 'prints no summaries',
  readModel: reading,
  readSequential: reading,
  writeGraph: 'writes no configs of models',
  dropout: 'draws no random numbers',
  activationOf: 'reads no activations but names',
  draws: 'draws no first values: give all weights',
}

const installed: Partial<Parts> = {}

export function install(parts: Partial<Parts>): void {
  Object.assign(installed, parts)
}

/** @throws {UnsupportedError} when no entry has installed it */
export function part<K extends keyof Parts>(name: K): Parts[K] {
  const found = installed[name]
  if (found) return found
  throw new UnsupportedError(
    `layer-rnn/infer ${uses[name]}; import layer-rnn, or layer-rnn/slim beside other slim entries`,
  )
}
