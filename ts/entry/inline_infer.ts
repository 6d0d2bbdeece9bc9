/** Takes the wasm for inference from inside the bundle. */
import { decode } from '../engine/decode.js'
import { setProvider } from '../engine/provider.js'
import { decoder, text } from '../generated/bytes_infer.js'

setProvider(() => decode(decoder, text), true)
