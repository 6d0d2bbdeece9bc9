import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { cache, root } from './run.mjs'

/** All files under `paths` (relative to the repository) whose path `keep` accepts, sorted. */
export function files(paths, keep = () => true) {
  const found = []
  const visit = path => {
    const stat = statSync(join(root, path), { throwIfNoEntry: false })
    if (stat?.isFile() && keep(path)) found.push(path)
    if (!stat?.isDirectory()) return
    for (const name of readdirSync(join(root, path))) {
      if (name !== 'node_modules' && name !== 'target') visit(`${path}/${name}`)
    }
  }
  for (const path of paths) visit(path)
  return found.sort()
}

/** A hash over names and contents. */
export function digest(paths) {
  const hash = createHash('sha256')
  for (const path of paths)
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0')
  return hash.digest('hex')
}

const file = name => join(cache, 'stamps', name)

/** Whether step `name` was done for this hash, and what it made is still there. */
export function isDone(name, hash, outputs) {
  return (
    existsSync(file(name)) &&
    readFileSync(file(name), 'utf8') === hash &&
    outputs.every(path => existsSync(join(root, path)))
  )
}

export function markDone(name, hash) {
  mkdirSync(join(cache, 'stamps'), { recursive: true })
  const temporary = `${file(name)}.${process.pid}`
  writeFileSync(temporary, hash)
  renameSync(temporary, file(name))
}
