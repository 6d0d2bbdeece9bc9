import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { diverges, readWasm } from '../size/wasm_file.mjs'
import { root, run } from './run.mjs'

/**
 * Takes out of a wasm, in place, what panics would say: all they do is trap. Functions that report become a trap, constants that say
 * where (address and length of a file's name, line, column) and the names zeros. wasm-opt drops both, and the arguments.
 */
function silence(wasm) {
  const { functions, segments } = readWasm(wasm)
  for (const { name, start, size } of functions) {
    if (!diverges(name)) continue
    wasm.fill(1, start, start + size - 1) // nop; the last byte ends the function
    wasm.set([0, 0], start) // no locals; unreachable
  }
  const named = []
  for (const { start, size } of segments) {
    for (let at = start; at + 16 <= start + size; at += 4) {
      const [address, length] = [wasm.readUInt32LE(at), wasm.readUInt32LE(at + 4)]
      const segment = segments.find(s => address >= s.address && address + length <= s.address + s.size)
      if (!segment) continue
      const name = address - segment.address + segment.start
      if (!/^[\w./~-]+\.rs$/.test(wasm.toString('latin1', name, name + length))) continue
      wasm.fill(0, at, at + 16)
      named.push([name, name + length])
    }
  }
  for (const [start, end] of named) wasm.fill(0, start, end)
}

/**
 * Makes the smallest wasm `to` of wasm-bindgen's `from`, which still has names. Functions in the order of their names: what is
 * alike stands together, and compresses. Nothing lies below address 1024, where the stack ends.
 */
export async function shrink(from, to, ...more) {
  const wasm = readFileSync(join(root, from))
  silence(wasm)
  mkdirSync(dirname(join(root, to)), { recursive: true })
  writeFileSync(join(root, to), wasm)
  await run('wasm-opt', ['-O', '--low-memory-unused', '--reorder-functions-by-name', ...more, to, '-o', to])
}
