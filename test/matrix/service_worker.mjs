// A service worker that is a module.
import { compute } from './inline.mjs'

addEventListener('message', event => event.source.postMessage(compute()))
