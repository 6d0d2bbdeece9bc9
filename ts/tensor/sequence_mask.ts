/** Masks from lengths. */
import { mustBe } from '../errors.js'
import { convert } from './convert.js'
import { NdArray } from './ndarray.js'
import { type Bytes, isSize } from './shape.js'

/** bool [lengths, maxLength]: true for the first `lengths[i]` steps of row i. By default, maxLength is the largest length. */
export function sequenceMask(lengths: ArrayLike<number>, maxLength?: number): NdArray<Bytes> {
  const rows = [...convert(lengths, { shape: [null], dtype: 'int32', what: 'sequenceMask: lengths' }).data]
  const time = maxLength ?? rows.reduce((most, length) => Math.max(most, length), 0)
  if (!(isSize(time) && isSize(time * rows.length)))
    throw mustBe('sequenceMask', 'maxLength', `a size that fits ${rows.length} rows`, time)
  const bad = rows.find(length => length < 0 || length > time)
  if (bad !== undefined) throw mustBe('sequenceMask', 'lengths', `in 0 … ${time}`, bad)
  const mask = new Uint8Array(rows.length * time)
  rows.forEach((length, row) => {
    mask.fill(1, row * time, row * time + length)
  })
  return new NdArray(mask, [rows.length, time])
}
