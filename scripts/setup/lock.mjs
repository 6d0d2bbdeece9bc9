import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cache, say } from './run.mjs'

const file = join(cache, 'lock')

/** Runs `work` while no other command of this repository does: two at once would write the same files. */
export async function locked(work) {
  mkdirSync(cache, { recursive: true })
  let told = false
  while (!take()) {
    if (!told) say('another command is building; waiting for it')
    told = true
    await sleep(200)
  }
  try {
    return await work()
  } finally {
    rmSync(file, { force: true })
  }
}

function take() {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    if (!isHeld()) rmSync(file, { force: true })
    return false
  }
}

function isHeld() {
  try {
    const holder = Number(readFileSync(file, 'utf8'))
    if (holder > 0) process.kill(holder, 0)
    return true
  } catch (error) {
    return error.code !== 'ESRCH' && error.code !== 'ENOENT' // no such process: it died holding the lock
  }
}
