/** Configs of older Keras, in Keras 3's names: what Keras 1 called its arguments, lists of layers, GRUs that do not say their form. */
import { renamed } from '../../layers/names.js'
import { isPlain } from '../../layers/structure.js'
import type { Serialized } from './config.js'

type Config = Record<string, unknown>

/** Keras 1's names of arguments; of an Embedding its table's. */
const older: Record<string, string> = {
  ...renamed,
  W_regularizer: 'kernel_regularizer',
  U_regularizer: 'recurrent_regularizer',
  b_regularizer: 'bias_regularizer',
  W_constraint: 'kernel_constraint',
  U_constraint: 'recurrent_constraint',
  b_constraint: 'bias_constraint',
  dropout_W: 'dropout',
  p: 'rate',
  forget_bias_init: 'unit_forget_bias',
}

const renamedInEmbedding: Record<string, string> = {
  init: 'embeddings_initializer',
  W_regularizer: 'embeddings_regularizer',
  W_constraint: 'embeddings_constraint',
}

/** What other names mean in Keras 1, by the name that they have now; what is not here stays, and is refused by its name. */
const meanings: Record<string, (value: unknown) => unknown> = {
  unit_forget_bias: value => ({ one: true, zero: false })[String(value)],
  implementation: value => ({ cpu: 1, mem: 1, gpu: 2 })[String(value)],
}

const regularizers = new Set(['WeightRegularizer', 'ActivityRegularizer'])

/** A whole model's config from Keras 1. */
export function fromKeras1(model: unknown): unknown {
  return eachLayer(model, layer => {
    const { class_name: name, config } = layer
    const isEmbedding = name === 'Embedding'
    const timed = name !== 'Dense'
    const changed: Config = name === 'InputLayer' && config.input_dtype ? { dtype: config.input_dtype } : {}
    for (const [key, value] of Object.entries(config)) {
      if (key === 'input_dtype') continue
      if (!isEmbedding && (key === 'input_dim' || key === 'input_length')) continue
      if (isEmbedding && key === 'dropout' && value === 0) continue
      const kept = isEmbedding && key === 'output_dim'
      const own = kept ? key : (isEmbedding && renamedInEmbedding[key]) || older[key] || key
      if (own in changed) continue
      const meaning = meanings[own]?.(value)
      if (own !== key && own in meanings && meaning === undefined) changed[key] = value
      else changed[own] = meaning ?? stored(own, value)
    }
    if (!isEmbedding && typeof config.input_dim === 'number' && name !== 'InputLayer') {
      const rest = timed ? [config.input_length ?? null, config.input_dim] : [config.input_dim]
      changed.batch_input_shape ??= [null, ...rest]
    }
    return { ...layer, class_name: name === 'TimeDistributedDense' ? 'Dense' : name, config: changed }
  })
}

/** `{ name: 'MaxNorm', m: 2 }` as `{ class_name, config }`. */
function stored(argument: string, value: unknown): unknown {
  if (!/_(regularizer|constraint)$/.test(argument) || !isPlain(value) || typeof value.name !== 'string')
    return value
  const { name, m, ...config } = value
  return {
    class_name: regularizers.has(name) ? 'L1L2' : name,
    config: m === undefined ? config : { ...config, max_value: m },
  }
}

/** A Sequential whose config is its list of layers. */
export function withLayers(model: unknown): unknown {
  if (!isPlain(model) || !Array.isArray(model.config)) return model
  return { ...model, config: { name: 'sequential', layers: model.config.map(withLayers) } }
}

/**
 * Says of every GRU without `reset_after` which form it has: by its bias, `[2, 3·units]` after the product, `[3·units]` before.
 * `biasOf` knows the bias of that size among the weights of a layer of the model; Keras without the argument had one form.
 */
export function withResetAfter(
  model: Serialized,
  hasTwoBiases: (layer: string, units: number) => boolean,
): unknown {
  return eachLayer(model, (layer, outermost) => {
    const { class_name: name, config } = layer
    if ((name !== 'GRU' && name !== 'GRUCell') || 'reset_after' in config) return layer
    const after = hasTwoBiases(outermost, Number(config.units))
    return { ...layer, config: { ...config, reset_after: after } }
  })
}

type Change = (layer: Serialized, outermost: string) => Serialized

/** A copy of a model in which every layer and cell is changed, wherever it stands; `outermost` is its layer in the model itself. */
function eachLayer(model: unknown, change: Change): unknown {
  const walk = (value: unknown, outermost: string | undefined): unknown => {
    if (Array.isArray(value)) return value.map(item => walk(item, outermost))
    if (!isPlain(value)) return value
    const isLayer = typeof value.class_name === 'string' && isPlain(value.config)
    const name = isLayer && value !== model ? (outermost ?? String((value.config as Config).name)) : outermost
    const inner = Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, key === 'inbound_nodes' ? item : walk(item, name)]),
    )
    return isLayer && value !== model ? change(inner as unknown as Serialized, name!) : inner
  }
  return walk(model, undefined)
}
