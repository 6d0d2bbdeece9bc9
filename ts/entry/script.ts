/** What the script `layer-rnn/global` defines as `layerRnn`: all of the package. */
export * from './index.js'
export * from './keras.js'
export * from './worklet.js'
