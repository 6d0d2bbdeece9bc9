/** Runs the built command as a user does. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import * as assert from 'uvu/assert'

export const program = resolve('dist/cli.js')
export const models = resolve('test/fixtures/models')

export interface Ended {
  status: number | null
  stdout: Buffer
  text: string
  stderr: string
}

/** `layer-rnn ...args`, with `input` on standard input. */
export function command(args: readonly string[], input: string | Uint8Array = '', cwd = '.'): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { input, cwd })
  return { status, stdout, text: stdout.toString(), stderr: stderr.toString() }
}

/** It ended well and said nothing else. */
export function done(args: readonly string[], input?: string | Uint8Array): Ended {
  const ended = command(args, input)
  assert.is(ended.stderr, '')
  assert.is(ended.status, 0)
  return ended
}

/** It failed with one sentence and no output. */
export function failed(status: number, words: RegExp, args: readonly string[], input = ''): void {
  const ended = command(args, input)
  assert.is(ended.status, status, ended.stderr)
  assert.match(ended.stderr, /^layer-rnn: [^\n]+\n$/)
  assert.match(ended.stderr, words)
  assert.is(ended.text, '')
}

/** A folder that is gone after `work`. */
export async function withFolder<T>(work: (path: (name: string) => string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'layer-rnn-'))
  try {
    return await work(name => join(folder, name))
  } finally {
    rmSync(folder, { recursive: true })
  }
}
