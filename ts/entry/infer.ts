/**
 * `layer-rnn/infer`: models whose weights are given, with a smaller WebAssembly. Of `layer-rnn` it has not what makes first values, draws
 * random numbers, computes gradients, prints programs and summaries or writes configs, nor `layerGru` and its like, in R's way of writing.
 * Files are read by `layer-rnn/slim/keras`; cells of one's own compute with `layer-rnn/slim/ops`.
 *
 * @module
 */
import './inline_infer.js'

export * from './models.js'
