/** All that the default entry offers, without the bytes of the wasm. */
import './programs.js'
import './whole.js'

export * as initializers from '../initializers/functions.js'
export { Initializer } from '../initializers/initializer.js'
export { deserialize } from '../layers/builtin.js'
export * from '../layers/functions.js'
export { serialize } from '../layers/registry.js'
export * as ops from '../ops/index.js'
export { setRandomSeed } from '../ops/seed.js'
export * from './models.js'
