/** The samples of docs/command-line.md do what the page shows; `…` there stands for anything. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { program, withFolder } from './command.js'

/** Commands and what they print. */
function samples(): { line: string; shown: string }[] {
  const blocks = readFileSync('docs/command-line.md', 'utf8').matchAll(/^```sh\n([\s\S]*?)^```/gm)
  return [...blocks].flatMap(([, block]) =>
    block!
      .split(/^\$ /m)
      .slice(1)
      .map(text => {
        const end = text.indexOf('\n')
        return { line: text.slice(0, end), shown: text.slice(end + 1) }
      }),
  )
}

const pattern = (shown: string) =>
  new RegExp(`^${shown.replace(/[.*+?^$()[\]{}|\\]/g, '\\$&').replace(/…/g, '[\\s\\S]*')}$`)

for (const { line, shown } of process.platform === 'win32' ? [] : samples()) {
  test(line, () =>
    withFolder(path => {
      // `npx layer-rnn` finds the package here without a registry.
      mkdirSync(path('bin'))
      writeFileSync(path('bin/npx'), `#!/bin/sh\nshift\nexec "${process.execPath}" "${program}" "$@"\n`, {
        mode: 0o755,
      })
      for (const name of ['examples', 'test']) symlinkSync(resolve(name), path(name))
      const env = { ...process.env, PATH: `${path('bin')}:${process.env.PATH}` }
      const { stdout, stderr, status } = spawnSync('sh', ['-c', line], {
        cwd: path('.'),
        env,
        encoding: 'utf8',
      })
      assert.is(stderr, '')
      assert.is(status, 0)
      assert.match(stdout, pattern(shown))
    }),
  )
}

test('the page has samples of every command', () => {
  const lines = samples().map(({ line }) => line)
  for (const name of ['summary', 'run', 'bench'])
    assert.ok(lines.some(line => line.includes(`layer-rnn ${name} `)))
})

test.run()
