import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from '../setup/run.mjs'

/** A module of what was compiled: the parts that no entry exports, too. */
export const load = path => import(pathToFileURL(join(root, 'build/ts', path)).href)
