/** Saved rows of a stream, damaged; those whose checksum is made right again are states like any other. */
import { damagedBytes } from './damage.mjs'
import { load } from './load.mjs'

const head = 5

export async function rows() {
  await load('entry/inline.js')
  const { Dense, Dropout, LSTM, Masking, Sequential } = await load('entry/api.js')
  const { LayerRnnError } = await load('errors.js')
  const model = new Sequential([
    new Masking({ inputShape: [null, 3] }),
    new LSTM({ units: 6 }),
    new Dropout({ rate: 0.5 }),
    new Dense({ units: 2 }),
  ])
  const stream = model.stream({ batch: 2 })
  const x = new Float32Array(6).fill(0.5)
  stream.step(x)
  const [kept, saved] = [stream.saveRow(0), stream.saveRow(1)]
  const next = step(0)
  const tally = { attempts: 0, taken: 0, refused: 0 }

  /** What the row that is not touched answers. */
  function step(row) {
    stream.loadRow(row, kept)
    return stream.step(x).slice(0, 2)
  }

  const same = (a, b) => a.length === b.length && a.every((value, i) => Object.is(value, b[i]))

  return {
    attempt(random) {
      stream.loadRow(1, saved)
      const sound = random(2) === 0
      const bytes = sound ? corrected(random, saved) : damagedBytes(random, saved)
      tally.attempts++
      try {
        stream.loadRow(1, bytes)
        tally.taken++
        if (!sound && !same(bytes, saved)) throw new Error('damaged bytes were taken')
        if (!same(stream.saveRow(1), bytes)) throw new Error('a row that was loaded is saved otherwise')
      } catch (error) {
        if (!(error instanceof LayerRnnError)) throw error
        tally.refused++
        if (!same(stream.saveRow(1), saved)) throw new Error('a refused row has changed')
      }
      if (!same(step(0), next)) throw new Error('another row has changed')
    },

    report() {
      const low = [tally.taken, tally.refused].some(count => count < 0.05 * tally.attempts) ? ['rows'] : []
      return { lines: [`  ${tally.taken} rows taken, ${tally.refused} refused`], low }
    },
  }
}

/** Other words, mostly of states, with their checksum. */
function corrected(random, saved) {
  const words = new Uint32Array(saved.slice().buffer)
  for (let left = 1 + random(4); left > 0; left--) {
    const at = random(8) === 0 ? random(head) : head + random(words.length - 1 - head)
    words[at] =
      random(2) === 0 ? random(2 ** 32) : [0, 0x7fc00001, 0x7f800000, 0xff800000, 0xffffffff, 1][random(6)]
  }
  words[words.length - 1] = hash(words.subarray(0, -1))
  return new Uint8Array(words.buffer)
}

/** As `ts/models/row_bytes.ts` makes it. */
function hash(words) {
  let value = 0x811c9dc5
  for (const word of words) {
    value = Math.imul(value ^ word, 0x01000193)
    value ^= value >>> 15
  }
  return value >>> 0
}
