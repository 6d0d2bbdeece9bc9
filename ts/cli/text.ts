/** Numbers as text: CSV in both directions, JSON out. */
import { NdArray } from '../tensor/ndarray.js'
import type { Data, DType } from '../tensor/shape.js'
import { Failure } from './fail.js'

/** The shortest decimal that gives the same float32 again. */
function float(value: number): string {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return String(short)
  }
  return String(Number(value.toPrecision(9)))
}

/** A number as JSON has it: what is not finite becomes null. */
function json(value: number, dtype: DType): string {
  if (dtype === 'bool') return value === 0 ? 'false' : 'true'
  if (!Number.isFinite(value)) return 'null'
  return dtype === 'int32' ? String(value) : float(value)
}

const csv = (value: number, dtype: DType) => (dtype === 'float32' ? float(value) : String(value))

/** A line of CSV. */
export const csvLine = (row: Data, dtype: DType) =>
  `${Array.from(row as Float32Array, value => csv(value, dtype)).join(',')}\n`

/** A table as lines: a row each; of a vector, a number each. */
export function* csvText({ data, shape, dtype }: NdArray<Data>): Generator<string> {
  const width = shape.length < 2 ? 1 : shape.at(-1)!
  if (shape.slice(0, -2).some(size => size !== 1))
    throw new Failure(
      `CSV holds a table, and the output has the shape [${shape.join(', ')}]; write .npy or .json`,
    )
  for (let at = 0; at < data.length; at += width) yield csvLine(data.subarray(at, at + width), dtype)
}

/** Nested arrays, an innermost one in each piece. */
export function* jsonText({ data, shape, dtype }: NdArray<Data>): Generator<string> {
  const width = shape.at(-1) ?? 1
  const depth = shape.length
  if (depth === 0) return yield json(data[0]!, dtype)
  if (data.length === 0) return yield JSON.stringify(new NdArray(data, shape))
  const outer = shape.slice(0, -1)
  const rows = data.length / width
  for (let row = 0; row < rows; row++) {
    // How many levels begin and end with this row.
    const opened = outer.length - changed(outer, row)
    const closed = outer.length - changed(outer, row + 1)
    const numbers = Array.from(data.subarray(row * width, (row + 1) * width) as Float32Array, value =>
      json(value, dtype),
    )
    const between = row === rows - 1 ? '' : ','
    yield `${'['.repeat(opened)}[${numbers.join(',')}]${']'.repeat(closed)}${between}`
  }
}

/** The first axis whose index may stay when row `row` begins: all axes behind it are at 0. */
function changed(outer: readonly number[], row: number): number {
  let axis = outer.length
  let rest = row
  while (axis > 0 && rest % outer[axis - 1]! === 0) rest /= outer[--axis]!
  return axis
}

/** The numbers of a line; undefined for an empty line. */
export function readCsvLine(line: string, number: number): number[] | undefined {
  if (line.trim() === '') return undefined
  return line.split(',').map((field, column) => {
    const value = fieldValue(field)
    if (value !== undefined) return value
    throw new Failure(`line ${number}, column ${column + 1}: ${JSON.stringify(field.trim())} is no number`)
  })
}

/** Whether a first line names the columns: nothing in it is a number. */
export const isHeading = (line: string) =>
  line.trim() !== '' && line.split(',').every(field => fieldValue(field) === undefined)

function fieldValue(field: string): number | undefined {
  const text = field
    .trim()
    .replace(/^"(.*)"$/, '$1')
    .trim()
  if (text === '') return undefined
  const special = /^([+-]?)(nan|inf(?:inity)?)$/i.exec(text)
  if (special)
    return special[2]!.toLowerCase() === 'nan' ? Number.NaN : special[1] === '-' ? -Infinity : Infinity
  const value = Number(text)
  return Number.isNaN(value) ? undefined : value
}

/** Of a text that is empty, or has a line of headings only. */
export const noNumbers = new Failure(
  'no numbers; they are separated by commas, below a line of headings or not',
)

/** The rows of a table, all of the same length. */
export function readCsv(text: string): number[][] {
  const rows: number[][] = []
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  lines.forEach((line, i) => {
    const row = i === 0 && isHeading(line) ? undefined : readCsvLine(line, i + 1)
    if (!row) return
    if (rows[0] && row.length !== rows[0].length)
      throw new Failure(`line ${i + 1} has ${row.length} columns, the first has ${rows[0].length}`)
    rows.push(row)
  })
  if (rows.length === 0) throw noNumbers
  return rows
}
