import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { build } from './setup/build.mjs'
import { main, root } from './setup/run.mjs'

// npm runs scripts in the repository, but file names on the command line are meant from where the user is.
const cwd = (process.env.npm_lifecycle_event && process.env.INIT_CWD) || process.cwd()

await main(async ([name, ...args]) => {
  await build()
  const program = join(root, `build/examples/spoken-digits/${name}.js`)
  const child = spawn(process.execPath, [program, ...args], { cwd, stdio: 'inherit' })
  return new Promise(resolve => child.on('close', (status, signal) => resolve(signal ? 1 : status)))
})
