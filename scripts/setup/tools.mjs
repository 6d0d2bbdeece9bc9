import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ask, Failure, root, run, say } from './run.mjs'

const target = 'wasm32-unknown-unknown'
const wasmPack = '0.15.1'

/** Makes sure that cargo runs. */
export function needRust() {
  if (ask('cargo', ['--version'])) return
  throw new Failure(
    'Rust is missing. Install it with rustup (https://rustup.rs, one command, no questions with `-y`), open a new ' +
      'terminal, then run this again; everything else is installed by this command.',
  )
}

/** Makes sure that Rust can compile to WebAssembly. */
export async function needTarget() {
  const library = ask('rustc', ['--print', 'target-libdir', '--target', target])
  if (library && existsSync(library)) return
  if (!ask('rustup', ['--version'])) {
    throw new Failure(
      `this Rust cannot compile to ${target}, and rustup is not there to add it. Install rustup ` +
        '(https://rustup.rs), or see "Without rustup" in CONTRIBUTING.md.',
    )
  }
  say(`adding Rust's ${target} target (seconds)`)
  await run('rustup', ['target', 'add', target])
}

/** Makes sure that `cargo fmt` and `cargo clippy` are there: only the checks need them. */
export async function needComponents() {
  const missing = ['rustfmt', 'clippy'].filter(name => !ask('cargo', [name.replace('rust', ''), '--version']))
  if (missing.length === 0) return
  say(`adding Rust's ${missing.join(' and ')} (seconds)`)
  await run('rustup', ['component', 'add', ...missing])
}

export async function needWasmPack() {
  const found = ask('wasm-pack', ['--version'])?.split(' ')[1]
  if (found && !isOlder(found, wasmPack)) return
  say(`installing wasm-pack ${wasmPack}, compiled from source: about a minute, only once`)
  const env = { CARGO_PROFILE_RELEASE_OPT_LEVEL: '0', CARGO_PROFILE_RELEASE_LTO: 'off' } // it only starts other programs
  await run('cargo', ['install', `wasm-pack@${wasmPack}`, '--locked', '--quiet'], { env })
}

/** Makes sure that a folder's node_modules holds exactly what its package-lock.json names for this platform. */
export async function needPackages(folder = '.', what = 'the npm packages of package-lock.json, about 15 s') {
  const missing = firstMissingPackage(join(root, folder))
  if (missing === undefined) return
  say(`installing ${what} (${missing} is missing or another version)`)
  const npm = process.env.npm_execpath // the npm that started us, if one did
  // Not `npm ci`: it refuses a lock file that was made where a registry lacks some other platform's binaries.
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error']
  const cwd = join(root, folder)
  if (npm?.endsWith('.js')) await run(process.execPath, [npm, ...args], { cwd })
  else await run('npm', args, { cwd })
}

function firstMissingPackage(folder) {
  const wanted = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')).packages
  const hidden = join(folder, 'node_modules', '.package-lock.json')
  const present = existsSync(hidden) ? JSON.parse(readFileSync(hidden, 'utf8')).packages : {}
  for (const [path, { version, optional, peer }] of Object.entries(wanted)) {
    if (path === '' || optional || peer) continue
    if (present[path]?.version !== version) return path.replace(/^.*node_modules\//, '')
  }
  return undefined
}

function isOlder(version, than) {
  const [a, b] = [version, than].map(text => text.split(/[.-]/).slice(0, 3).map(Number))
  for (let i = 0; i < 3; i++) if (a[i] !== b[i]) return a[i] < b[i]
  return false
}
