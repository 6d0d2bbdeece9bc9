import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../setup/run.mjs'
import { files } from '../setup/stamp.mjs'

const limits = [
  {
    most: 400,
    paths: ['ts', 'test', 'bench', 'examples', 'scripts'],
    kinds: /\.(ts|mjs|cjs)$/,
    except: /generated/,
  },
  { most: 600, paths: ['crates'], kinds: /\.rs$/ },
]

/** Files that are too long to be held in mind. */
export function lengths() {
  const complaints = []
  let passed = 0
  for (const { most, paths, kinds, except } of limits) {
    for (const path of files(paths, name => kinds.test(name) && !except?.test(name))) {
      const lines = readFileSync(join(root, path), 'utf8').split('\n').length - 1
      if (lines > most) complaints.push(`${path}: ${lines} lines, at most ${most}`)
      else passed++
    }
  }
  return { passed, complaints }
}
