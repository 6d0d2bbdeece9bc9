/**
 * Log-mel features: the same arithmetic as features.py, in float64, rounded to float32 once.
 *
 * Frames of `frame` samples start every `hop` samples; only whole frames count, so a tail shorter than `hop` is
 * dropped. A clip shorter than one frame is padded with zeros to exactly one.
 */

/** What model/features.json holds. */
export interface FeatureConstants {
  /** Hz */
  sampleRate: number
  /** Samples in a frame, and points of the Fourier transform: a power of two. */
  frame: number
  /** Samples from the start of a frame to the start of the next. */
  hop: number
  /** Features of a frame. */
  bands: number
  /** Hz, where the lowest band starts. */
  minHz: number
  /** Hz, where the highest band ends. */
  maxHz: number
  /** Added to the power of a band before the logarithm. */
  logOffset: number
  /** What padded steps are filled with. */
  maskValue: number
  /** [bands] */
  mean: number[]
  /** [bands] */
  deviation: number[]
}

/** Turns samples in [-1, 1) at `constants.sampleRate` into normalized log-mel features. */
export class LogMel {
  readonly constants: FeatureConstants
  readonly #window: Float64Array
  readonly #filters: Float64Array[]
  readonly #fft: FourierTransform

  constructor(constants: FeatureConstants) {
    const { frame } = constants
    this.constants = constants
    this.#window = Float64Array.from(
      { length: frame },
      (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / frame),
    )
    this.#filters = melFilters(constants)
    this.#fft = new FourierTransform(frame)
  }

  /** How many frames a clip of so many samples has. */
  frameCount(samples: number): number {
    if (samples === 0) return 0
    const { frame, hop } = this.constants
    return Math.max(1, Math.floor((samples - frame) / hop) + 1)
  }

  /** The features of a whole clip, [frames, bands] in one array. */
  clip(samples: Float64Array): Float32Array {
    const { frame, hop, bands } = this.constants
    const out = new Float32Array(this.frameCount(samples.length) * bands)
    for (let t = 0; t * bands < out.length; t++) {
      out.set(this.frame(samples.subarray(t * hop, t * hop + frame)), t * bands)
    }
    return out
  }

  /** The features [bands] of one frame; a shorter one is padded with zeros. */
  frame(samples: Float64Array): Float32Array {
    const { frame, bands, logOffset, mean, deviation } = this.constants
    const real = new Float64Array(frame)
    const imaginary = new Float64Array(frame)
    for (let n = 0; n < samples.length; n++) real[n] = samples[n]! * this.#window[n]!
    this.#fft.transform(real, imaginary)
    const features = new Float32Array(bands)
    this.#filters.forEach((filter, band) => {
      let power = 0
      for (let k = 0; k < filter.length; k++) power += filter[k]! * (real[k]! ** 2 + imaginary[k]! ** 2)
      features[band] = (Math.log(power + logOffset) - mean[band]!) / deviation[band]!
    })
    return features
  }

  /** The same frames from samples that arrive piece by piece. */
  stream(): LogMelStream {
    return new LogMelStream(this)
  }
}

/** Gives every frame as soon as its last sample is there. */
export class LogMelStream {
  readonly #logMel: LogMel
  /** The samples from the start of the next frame on. */
  readonly #pending: Float64Array
  #length = 0
  #frames = 0

  constructor(logMel: LogMel) {
    this.#logMel = logMel
    this.#pending = new Float64Array(logMel.constants.frame)
  }

  /** Takes any number of samples; returns the frames [bands] that they complete. */
  push(samples: Float64Array): Float32Array[] {
    const { hop } = this.#logMel.constants
    const pending = this.#pending
    const frames: Float32Array[] = []
    for (let at = 0; at < samples.length; ) {
      const piece = samples.subarray(at, at + pending.length - this.#length)
      pending.set(piece, this.#length)
      this.#length += piece.length
      at += piece.length
      if (this.#length === pending.length) {
        frames.push(this.#logMel.frame(pending))
        pending.copyWithin(0, hop)
        this.#length -= hop
      }
    }
    this.#frames += frames.length
    return frames
  }

  /** Ends the clip: returns the one padded frame of a clip shorter than a frame, else nothing. Then a new clip may begin. */
  end(): Float32Array[] {
    const isShort = this.#frames === 0 && this.#length > 0
    const frames = isShort ? [this.#logMel.frame(this.#pending.subarray(0, this.#length))] : []
    this.#length = 0
    this.#frames = 0
    return frames
  }
}

/** [bands][frame / 2 + 1]: triangles of height 1, evenly spaced on the HTK mel scale, linear in Hz between their edges. */
function melFilters({ sampleRate, frame, bands, minHz, maxHz }: FeatureConstants): Float64Array[] {
  const low = hertzToMel(minHz)
  const high = hertzToMel(maxHz)
  const edge = (i: number) => melToHertz(low + ((high - low) * i) / (bands + 1))
  return Array.from({ length: bands }, (_, band) => {
    const left = edge(band)
    const centre = edge(band + 1)
    const right = edge(band + 2)
    return Float64Array.from({ length: frame / 2 + 1 }, (_, bin) => {
      const hertz = (bin * sampleRate) / frame
      return Math.max(0, Math.min((hertz - left) / (centre - left), (right - hertz) / (right - centre)))
    })
  })
}

function hertzToMel(hertz: number): number {
  return 2595 * Math.log10(1 + hertz / 700)
}

function melToHertz(mel: number): number {
  return 700 * (10 ** (mel / 2595) - 1)
}

/** A radix-2 Fourier transform in place. */
class FourierTransform {
  readonly #cos: Float64Array
  readonly #sin: Float64Array

  constructor(size: number) {
    if (size < 2 || !Number.isInteger(Math.log2(size)))
      throw new Error(`a frame of ${size} samples is no power of two`)
    this.#cos = Float64Array.from({ length: size / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / size))
    this.#sin = Float64Array.from({ length: size / 2 }, (_, k) => -Math.sin((2 * Math.PI * k) / size))
  }

  transform(real: Float64Array, imaginary: Float64Array): void {
    const size = real.length
    for (let i = 1, j = 0; i < size; i++) {
      // j counts with its bits reversed.
      let bit = size >> 1
      for (; j & bit; bit >>= 1) j ^= bit
      j ^= bit
      if (i < j) {
        swap(real, i, j)
        swap(imaginary, i, j)
      }
    }
    for (let half = 1; half < size; half *= 2) {
      const stride = size / (2 * half)
      for (let start = 0; start < size; start += 2 * half) {
        for (let k = 0; k < half; k++) {
          const cos = this.#cos[k * stride]!
          const sin = this.#sin[k * stride]!
          const a = start + k
          const b = a + half
          const re = real[b]! * cos - imaginary[b]! * sin
          const im = real[b]! * sin + imaginary[b]! * cos
          real[b] = real[a]! - re
          imaginary[b] = imaginary[a]! - im
          real[a]! += re
          imaginary[a]! += im
        }
      }
    }
  }
}

function swap(values: Float64Array, i: number, j: number): void {
  const value = values[i]!
  values[i] = values[j]!
  values[j] = value
}
