import { build } from './setup/build.mjs'
import { main } from './setup/run.mjs'

await main(() => build())
