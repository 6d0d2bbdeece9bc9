/** Takes the wasm from inside the bundle: nothing is fetched, nothing is awaited. */
import { decode } from '../engine/decode.js'
import { setProvider } from '../engine/provider.js'
import { decoder, text } from '../generated/bytes.js'

setProvider(() => decode(decoder, text))
