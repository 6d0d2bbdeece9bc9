import { readFileSync } from 'node:fs'
import { loadModelSync } from '../../dist/keras.js'

const folder = new URL('../../examples/spoken-digits/model/', import.meta.url)

/** The digits model of the example as a row: one step, whose input lasts `realTime` seconds. */
export function digitsRow() {
  const constants = JSON.parse(readFileSync(new URL('features.json', folder)))
  const model = loadModelSync(readFileSync(new URL('digits.keras', folder)))
  const layers = []
  const weights = []
  for (const layer of model.layers) {
    const values = layer.getWeights().map(({ data }) => data)
    if (values.length === 0) continue // masking and dropout do nothing to these frames
    const { units, activation } = layer.getConfig()
    const kind = values.length === 2 ? 'Dense' : 'GRU'
    layers.push(kind === 'Dense' ? { kind, units, activation } : { kind, units })
    weights.push(values)
  }
  model.dispose()
  const realTime = constants.hop / constants.sampleRate
  return {
    shape: 'digits model, one step',
    features: constants.bands,
    layers,
    batch: 1,
    steps: 1,
    stream: true,
    weights,
    realTime,
  }
}
