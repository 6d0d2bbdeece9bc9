import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { exportsField, sideEffects } from '../setup/entries.mjs'
import { cache, Failure, root, run } from '../setup/run.mjs'

/** Everything that may be in the package, what is built and what documents it: nothing of the sources, the tests or the machine. */
const expected =
  /^(package\.json|LICENSE|[A-Z]+\.md|docs\/[\w-]+\.md|examples\/cells\/\w+\.ts|dist\/[\w./-]+\.(js|cjs|d\.ts|d\.cts|wasm))$/

/** Packs the package, installs it beside the oldest TypeScript in an empty project and runs test/consumer's programs there. */
export async function consumer() {
  const folder = join(cache, 'consumer')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const packed = JSON.parse(
    await run('npm', ['pack', '--json', '--pack-destination', folder], { stdio: ['ignore', 'pipe', 2] }),
  )
  const { filename, files, size } = Array.isArray(packed) ? packed[0] : Object.values(packed)[0]
  const complaints = files
    .filter(({ path }) => !expected.test(path))
    .map(({ path }) => `the package contains ${path}`)
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const wanted = { exports: exportsField(), sideEffects: sideEffects() }
  for (const [field, value] of Object.entries(wanted)) {
    if (JSON.stringify(manifest[field]) !== JSON.stringify(value))
      complaints.push(
        `package.json's ${field} must be what scripts/setup/entries.mjs says: ${JSON.stringify(value)}`,
      )
  }
  for (const file of leaves(manifest.exports)) {
    if (!files.some(({ path }) => `./${path}` === file))
      complaints.push(`the package lacks ${file}, which it exports`)
  }

  await cp(join(root, 'test/consumer'), folder, { recursive: true })
  const options = ['--no-audit', '--no-fund', '--no-save', '--prefer-offline', '--loglevel=error']
  await run('npm', ['install', ...options, `./${filename}`], { cwd: folder })
  let passed = complaints.length === 0 ? 1 : 0
  const programs = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).scripts
  for (const [name, command] of Object.entries(programs)) {
    try {
      await run(...split(command), { cwd: folder })
      passed++
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      complaints.push(`installed from the tarball, ${name} ${error.message}`)
    }
  }
  console.error(`tarball: ${size} B, ${files.length} files`)
  return { passed, complaints }
}

const leaves = value => (typeof value === 'string' ? [value] : Object.values(value).flatMap(leaves))

function split(command) {
  const [program, ...args] = command.split(' ')
  return [
    existsSync(join(root, 'node_modules/.bin', program)) ? join(root, 'node_modules/.bin', program) : program,
    args,
  ]
}
