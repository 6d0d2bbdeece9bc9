/**
 * From wasm-pack's output, files of ours. `node scripts/embed.mjs STAMP`
 * - ts/generated/layer_rnn.wasm: the wasm with the stamp of what it was made from, in a section of its own.
 * - ts/generated/stamp.ts: the same stamp, so that the two sides know whether they belong together.
 * - ts/generated/bytes.ts: the wasm as text, which `ts/engine/decode.ts` reads. Not base64: a byte becomes a character or two, so
 *   repetitions stay repetitions and gzip finds them (6 % longer than the wasm, no longer after gzip; base64: 33 % and 35 %).
 *   With it comes a wasm of 600 bytes that decodes it: JavaScript takes 4 ms, most of them before it is compiled.
 * - ts/generated/enums.ts: the enums alone. The glue around them makes a TextDecoder when it is read, which AudioWorklets lack.
 * - ts/generated/names.ts: what the enums call their numbers. rollup.config.mjs writes the numbers themselves where an enum is read.
 * - ts/generated/exports.ts: the types of the wasm's functions, without the names of a browser's WebAssembly types.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import binaryen from 'binaryen'

/** Printable ASCII that no minifier has to escape. */
const safe = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).filter(
  char => !'"\'`\\$<'.includes(char),
)
const leads = 2

/** The bytes by frequency: the commonest get one character, the others a lead and a character. */
export function encode(bytes) {
  const counts = new Array(256).fill(0)
  for (const byte of bytes) counts[byte]++
  const order = counts.map((_, byte) => byte).sort((a, b) => counts[b] - counts[a] || a - b)
  const singles = safe.length - leads
  const code = []
  order.forEach((byte, rank) => {
    const rest = rank - singles
    code[byte] =
      rest < 0 ? safe[rank] : safe[singles + Math.floor(rest / safe.length)] + safe[rest % safe.length]
  })
  return { decoder: decoder(code).toString('hex'), text: Array.from(bytes, byte => code[byte]).join('') }
}

/**
 * A wasm whose `decode(end)` turns the text that lies from `start` to `end` in its memory into bytes, and gives their end. Before the text
 * lies what the characters mean: alone, behind the first lead, behind the second.
 */
function decoder(code) {
  const lead = safe.at(-leads).charCodeAt(0)
  const start = 128 * (1 + leads)
  const meanings = Buffer.alloc(start)
  code.forEach((text, byte) => {
    const [first, second] = [text.charCodeAt(0), text.charCodeAt(1)]
    meanings[text.length === 1 ? first : 128 * (first - lead + 1) + second] = byte
  })
  const read = `(i32.load8_u (local.get $from))`
  const advance = name => `(local.set ${name} (i32.add (local.get ${name}) (i32.const 1)))`
  const module = binaryen.parseText(`(module
    (memory (export "memory") 1)
    (global (export "start") i32 (i32.const ${start}))
    (data (i32.const 0) "${meanings.toString('hex').replace(/../g, '\\$&')}")
    (func (export "decode") (param $end i32) (result i32)
      (local $from i32) (local $to i32) (local $place i32)
      (local.set $from (local.tee $to (i32.const ${start})))
      (loop $next (if (i32.lt_u (local.get $from) (local.get $end)) (then
        (local.set $place ${read})
        ${advance('$from')}
        (if (i32.ge_u (local.get $place) (i32.const ${lead})) (then
          (local.set $place (i32.add ${read}
            (i32.shl (i32.sub (local.get $place) (i32.const ${lead - 1})) (i32.const 7))))
          ${advance('$from')}))
        (i32.store8 (local.get $to) (i32.load8_u (local.get $place)))
        ${advance('$to')}
        (br $next))))
      (local.get $to)))`)
  return Buffer.from(module.emitBinary())
}

/** The wasm with a custom section `layer-rnn` that says `stamp`. */
export function stamped(wasm, stamp) {
  const name = 'layer-rnn'
  const content = [name.length, ...Buffer.from(name + stamp)]
  return Buffer.concat([wasm, Buffer.from([0, content.length, ...content])]) // lengths below 128 are one byte
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const generated = new URL('../ts/generated/', import.meta.url)
  const stamp = process.argv[2]
  for (const [name, bytes] of [
    ['layer_rnn', 'bytes'],
    ['layer_rnn_infer', 'bytes_infer'],
  ]) {
    const wasm = stamped(readFileSync(new URL(`${name}_bg.wasm`, generated)), stamp)
    writeFileSync(new URL(`${name}.wasm`, generated), wasm)
    const { decoder, text } = encode(wasm)
    writeFileSync(
      new URL(`${bytes}.ts`, generated),
      `export const decoder = '${decoder}'\nexport const text =\n  '${text}'\n`,
    )
  }
  writeFileSync(new URL('stamp.ts', generated), `export const stamp = '${stamp}'\n`)

  const glue = await import(new URL('layer_rnn.js', generated))
  const enumsOf = module => Object.entries(module).filter(([, value]) => typeof value === 'object')
  const enums = enumsOf(glue)
  const infer = await import(new URL('../.cache/infer/layer_rnn.js', import.meta.url))
  if (JSON.stringify(enumsOf(infer)) !== JSON.stringify(enums))
    throw new Error('the two builds of the wasm number something differently')
  const source = enums.map(([name, members]) => {
    const pairs = Object.entries(members).filter(([key]) => !/^\d/.test(key))
    const body = pairs.map(([key, number]) => `  ${key}: ${number},\n`).join('')
    return `export const ${name} = {\n${body}} as const\nexport type ${name} = (typeof ${name})[keyof typeof ${name}]\n`
  })
  writeFileSync(new URL('enums.ts', generated), source.join('\n'))

  const names = enums
    .map(([name, members]) => [name, Object.keys(members).filter(key => !/^\d/.test(key))])
    .filter(([name, keys]) => keys.every((key, number) => glue[name][key] === number)) // not those that leave numbers out
    .map(
      ([name, keys]) =>
        `export const ${name}: readonly string[] = /* @__PURE__ */ '${keys.join(' ')}'.split(' ')\n`,
    )
  writeFileSync(new URL('names.ts', generated), names.join(''))

  const types = readFileSync(new URL('layer_rnn.d.ts', generated), 'utf8')
  const functions = types.match(/^ {4}readonly (?!__)\w+: \(.*\) => (number|void);$/gm)
  const memory = '    readonly memory: { readonly buffer: ArrayBuffer };'
  writeFileSync(
    new URL('exports.ts', generated),
    `/** An instance of the wasm. */\nexport interface Exports {\n${[memory, ...functions].join('\n')}\n}\n`,
  )
}
