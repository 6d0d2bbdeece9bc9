/** Reads WAV files and changes sample rates. Samples are float64, full scale is [-1, 1). */

const PCM = 1
const FLOAT = 3
const EXTENSIBLE = 0xfffe
/** What follows the format code in the GUID of an extensible header: -0000-0010-8000-00aa00389b71. */
const GUID_TAIL = [0, 0, 0, 0, 16, 0, 128, 0, 0, 170, 0, 56, 155, 113]
/** A data chunk of this size was written to a pipe: it goes on to the end of the file. */
const UNKNOWN_SIZE = 0xffffffff
const MIN_RATE = 1000
const MAX_RATE = 768000

interface Format {
  isFloat: boolean
  channels: number
  sampleRate: number
  /** Of one sample of one channel. */
  bytes: number
}

export interface Wav {
  /** Hz */
  sampleRate: number
  /** Mono: the mean of the channels. */
  samples: Float64Array
}

/**
 * Reads RIFF/WAVE: PCM of 8, 16, 24 or 32 bits or floats of 32 or 64 bits, plain or extensible header, any number
 * of channels. Throws an `Error` of one sentence for everything else.
 */
export function readWav(bytes: Uint8Array): Wav {
  if (bytes.length === 0) throw new Error('the file is empty')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 12 || tag(bytes, 0) !== 'RIFF' || tag(bytes, 8) !== 'WAVE') {
    throw new Error('not a WAV file: it does not start with RIFF…WAVE')
  }
  let format: Format | undefined
  let data: { start: number; size: number } | undefined
  // Chunks start at even offsets, in any order.
  for (let at = 12; at + 8 <= bytes.length && !(format && data); ) {
    const name = tag(bytes, at)
    const start = at + 8
    const size = view.getUint32(at + 4, true)
    if (name === 'fmt ') format ??= readFormat(view, start, size)
    if (name === 'data') data ??= { start, size: dataSize(size, bytes.length - start) }
    at = start + size + (size % 2)
  }
  if (!format) throw new Error('not a usable WAV file: it has no fmt chunk')
  if (!data) throw new Error('not a usable WAV file: it has no data chunk')
  return { sampleRate: format.sampleRate, samples: readSamples(view, format, data.start, data.size) }
}

function tag(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4))
}

function dataSize(size: number, left: number): number {
  if (size === UNKNOWN_SIZE) return left
  if (size > left) {
    throw new Error(`the WAV file is cut off: its data chunk should have ${size} bytes, ${left} are there`)
  }
  return size
}

function readFormat(view: DataView, at: number, size: number): Format {
  if (size < 16 || at + size > view.byteLength) throw new Error("the WAV file's fmt chunk is cut off")
  let code = view.getUint16(at, true)
  if (code === EXTENSIBLE) {
    if (size < 40) throw new Error("the WAV file's fmt chunk is cut off")
    code = GUID_TAIL.every((byte, i) => view.getUint8(at + 26 + i) === byte)
      ? view.getUint16(at + 24, true)
      : EXTENSIBLE
  }
  const channels = view.getUint16(at + 2, true)
  const sampleRate = view.getUint32(at + 4, true)
  const bits = view.getUint16(at + 14, true)
  const known = code === PCM ? [8, 16, 24, 32] : code === FLOAT ? [32, 64] : []
  if (!known.includes(bits)) {
    throw new Error(
      `the WAV file's samples (format ${code}, ${bits} bits) are neither PCM nor floats of a known size`,
    )
  }
  const bytes = bits / 8
  if (channels === 0 || view.getUint16(at + 12, true) !== channels * bytes) {
    throw new Error(`the WAV file's fmt chunk contradicts itself about its ${channels} channels`)
  }
  if (sampleRate < MIN_RATE || sampleRate > MAX_RATE) {
    throw new Error(
      `the WAV file's sample rate, ${sampleRate} Hz, is not between ${MIN_RATE} and ${MAX_RATE} Hz`,
    )
  }
  return { isFloat: code === FLOAT, channels, sampleRate, bytes }
}

function readSamples(view: DataView, format: Format, start: number, size: number): Float64Array {
  const { channels, bytes } = format
  const samples = new Float64Array(Math.floor(size / (channels * bytes)))
  if (samples.length === 0) throw new Error('the WAV file holds no samples')
  const read = sampleReader(view, format)
  let at = start
  for (let i = 0; i < samples.length; i++) {
    let sum = 0
    for (let channel = 0; channel < channels; channel++, at += bytes) sum += read(at)
    if (!Number.isFinite(sum)) throw new Error(`the WAV file's sample ${i} is not a finite number`)
    samples[i] = sum / channels
  }
  return samples
}

function sampleReader(view: DataView, { isFloat, bytes }: Format): (at: number) => number {
  if (isFloat) return bytes === 4 ? at => view.getFloat32(at, true) : at => view.getFloat64(at, true)
  switch (bytes) {
    case 1: // the only unsigned one
      return at => (view.getUint8(at) - 0x80) / 0x80
    case 2:
      return at => view.getInt16(at, true) / 0x8000
    case 3:
      return at => (view.getInt8(at + 2) * 0x10000 + view.getUint16(at, true)) / 0x800000
    default:
      return at => view.getInt32(at, true) / 0x80000000
  }
}

/** Of the sinc, on each side. */
const ZERO_CROSSINGS = 32
/** The pass band, as a part of the lower of the two Nyquist frequencies. */
const ROLLOFF = 0.95

/**
 * Changes the sample rate from `from` to `to` Hz (whole numbers) by a Hann-windowed sinc. The clip is taken to be
 * silent outside; the result has `length · to / from` samples, rounded, at least one.
 */
export function resample(samples: Float64Array, from: number, to: number): Float64Array {
  if (from === to || samples.length === 0) return samples
  const cutoff = ROLLOFF * Math.min(1, to / from)
  const reach = Math.ceil(ZERO_CROSSINGS / cutoff)
  const out = new Float64Array(Math.max(1, Math.round((samples.length * to) / from)))
  const phases = to / greatestCommonDivisor(from, to)
  const kernel = new Float64Array(2 * reach + 1)
  // Outputs `phases` apart lie at the same place between two inputs, so they share a kernel.
  for (let phase = 0; phase < Math.min(phases, out.length); phase++) {
    fillKernel(kernel, reach, cutoff, ((phase * from) % to) / to)
    for (let i = phase; i < out.length; i += phases) {
      const first = Math.floor((i * from) / to) - reach
      const end = Math.min(kernel.length, samples.length - first)
      let sum = 0
      for (let k = Math.max(0, -first); k < end; k++) sum += samples[first + k]! * kernel[k]!
      out[i] = sum
    }
  }
  return out
}

/** The kernel of an output that lies `fraction` of a sample after an input, scaled to a gain of one at 0 Hz. */
function fillKernel(kernel: Float64Array, reach: number, cutoff: number, fraction: number): void {
  let sum = 0
  for (let k = 0; k < kernel.length; k++) {
    const x = cutoff * (k - reach - fraction)
    const taper = Math.cos((Math.PI * x) / (2 * ZERO_CROSSINGS))
    const sinc = x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x)
    kernel[k] = Math.abs(x) < ZERO_CROSSINGS ? sinc * taper * taper : 0
    sum += kernel[k]!
  }
  for (let k = 0; k < kernel.length; k++) kernel[k]! /= sum
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}
