/** Layers that files have and code writes otherwise: activations under their own names, and noise that is for training. */
import { UnsupportedError } from '../../errors.js'
import { Activation } from '../../layers/activation.js'
import { activationClasses, activationOf } from '../../layers/activation_classes.js'
import { Layer } from '../../layers/layer.js'
import { baseFields } from '../../layers/layer_options.js'
import { snakeCase } from '../../layers/names.js'
import {
  configOptions,
  dims,
  type Fields,
  nullable,
  number,
  rate,
  required,
  whole,
} from '../../layers/options.js'
import type { BuiltinClass } from '../../layers/registry.js'
import type { SymbolicTensor } from '../../tensor/tensor.js'

type Config = Readonly<Record<string, unknown>>

const base = new Set(Object.keys(baseFields).map(snakeCase))

/** `ReLU`, `LeakyReLU`, …: an Activation of what the class computes. */
export const fileActivations: readonly BuiltinClass[] = activationClasses.map(
  className =>
    class extends Activation {
      static override readonly className = className
      static override fromConfig(config: Config): Layer {
        const part = (ofLayer: boolean) =>
          Object.fromEntries(Object.entries(config).filter(([key]) => base.has(key) === ofLayer))
        const place = { layer: String(config.name ?? className), argument: 'activation' }
        const activation = activationOf(className, part(false), place)
        return new Activation({ ...configOptions(part(true), className), activation })
      }
    },
)

function noise(className: string, fields: Fields) {
  return class extends Layer {
    static override readonly className = className
    static readonly module = 'keras.layers'
    static override readonly fields = { ...fields, seed: nullable(whole(0)) }
    declare readonly $returns: 'same'
    override supportsMasking = true

    override call(inputs: SymbolicTensor, { training = false }: { training?: boolean } = {}): SymbolicTensor {
      if (!training) return inputs
      const layer = this.name
      const text = `${layer}: training is not supported by ${className}, which passes its inputs through otherwise`
      throw new UnsupportedError(text, { layer, argument: 'training' })
    }
  }
}

const shared = { rate: rate(required), noiseShape: nullable(dims) }

/** Noise of training: without it, the inputs. */
export const noises: readonly BuiltinClass[] = [
  noise('SpatialDropout1D', shared),
  noise('GaussianDropout', { rate: rate(required) }),
  noise('GaussianNoise', { stddev: number(required) }),
  noise('AlphaDropout', shared),
]
