// A page or a worker of a bundler: says the answers to whoever is there.
import { compute } from './inline.mjs'
import { tell } from './tell.mjs'

tell(compute)
