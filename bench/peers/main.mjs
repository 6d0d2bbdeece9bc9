import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { load } from '../kernels/wasm.mjs'
import { digitsRow } from './digits.mjs'
import { galleryHeading, galleryLine, galleryRows } from './gallery.mjs'
import { Machine } from './machine.mjs'
import { onnxModel } from './onnx.mjs'
import * as ortWeb from './ort_web.mjs'
import * as ours from './ours.mjs'
import { ownRows } from './own.mjs'
import { writeRecord } from './record.mjs'
import { measureRow, round } from './row.mjs'
import { rows, weightsOf } from './rows.mjs'
import { heading, intro, line, ownHeading, ownLine } from './table.mjs'
import * as tfjsWasm from './tfjs_wasm.mjs'

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    node: { type: 'string' },
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '41' },
    record: { type: 'boolean', default: false },
  },
})

const require = createRequire(import.meta.url)
const tf = require('@tensorflow/tfjs')
const ort = await import('onnxruntime-web/wasm')
const backend = require('@tensorflow/tfjs-backend-wasm')
await tfjsWasm.ready(tf, backend, `${dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`)
ortWeb.ready(ort)

const machine = new Machine(load())
const result = {
  date: new Date().toISOString().slice(0, 10),
  node: process.versions.node,
  engine: `V8 ${process.versions.v8}`,
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  peers: { ortWeb: ort.env.versions.web, tfjsWasm: tf.version.tfjs },
  peak: round(machine.peak(), 3),
  rows: [],
  own: [],
  gallery: [],
  skipped: [],
}
const isChosen = ({ shape }) => shape.includes(options.only)
const chosen = [...rows, digitsRow()].filter(isChosen)
const own = ownRows.filter(isChosen)
const gallery = galleryRows.filter(isChosen)
if (chosen.length + own.length + gallery.length === 0)
  throw new Error(`no row's name contains "${options.only}"`)

const collect = globalThis.gc && {
  collect: () => globalThis.gc(),
  used: () => process.memoryUsage().heapUsed,
}

async function measureAll(rows, { makersOf, boundOf, into, title, text }) {
  if (rows.length > 0 && !options.json) console.log(title)
  for (const row of rows) {
    const rounds = row.slow ? 5 : Math.max(5, Number(options.rounds) || 41)
    try {
      const measured = await measureRow(row, makersOf(row), boundOf?.(row), { rounds, collect })
      into.push(measured)
      if (!options.json) console.log(text(measured))
    } catch (error) {
      result.skipped.push({ shape: row.shape, why: error.message })
      console.error(`NOT MEASURED  ${row.shape}: ${error.message}`)
      process.exitCode = 1
    }
  }
}

if (!options.json) console.log(intro(result))
await measureAll(chosen, {
  makersOf(row) {
    const weights = weightsOf(row)
    return [
      () => ours.prepare(row, weights),
      () => ortWeb.prepare(ort, row, onnxModel(row, weights)),
      () => tfjsWasm.prepare(tf, row, weights),
    ]
  },
  boundOf: row => machine.boundOf(row),
  into: result.rows,
  title: heading(),
  text: line,
})
await measureAll(own, {
  makersOf: row => row.makers.map(make => () => make(row, row.layers && weightsOf(row), tf)),
  into: result.own,
  title: ownHeading(),
  text: ownLine,
})
await measureAll(gallery, {
  makersOf: row => row.makers.map(make => () => make(row, undefined, tf)),
  boundOf: row => machine.boundOf(row),
  into: result.gallery,
  title: galleryHeading(),
  text: galleryLine,
})
if (options.json) console.log(JSON.stringify(result))
if (options.record) writeRecord(result)
