/** The options of every initializer. */
import { type Fields, keyword, nullable, number, only, whole } from '../layers/options.js'

export const seed = nullable(whole(0))

const normal: Fields = { mean: number(0), stddev: number(0.05), seed }

/** Of those that scale with the shape; Keras 3.15 writes the axes. */
const scaling: Fields = { seed, inputAxes: only(null), outputAxes: only(null) }

export const kinds: Readonly<Record<string, Fields>> = {
  Zeros: {},
  Ones: {},
  Constant: { value: number(0) },
  Identity: { gain: number(1) },
  RandomUniform: { minval: number(-0.05), maxval: number(0.05), seed },
  RandomNormal: normal,
  TruncatedNormal: normal,
  VarianceScaling: {
    scale: number(1),
    mode: keyword('fan_in', 'fan_out', 'fan_avg'),
    distribution: keyword('truncated_normal', 'untruncated_normal', 'normal', 'uniform'),
    ...scaling,
  },
  GlorotUniform: scaling,
  GlorotNormal: scaling,
  HeUniform: scaling,
  HeNormal: scaling,
  LecunUniform: scaling,
  LecunNormal: scaling,
  Orthogonal: { gain: number(1), seed },
}
