// The service worker of an extension.
import { compute } from './inline.mjs'

let result
try {
  result = compute()
} catch (error) {
  result = { error: String(error?.stack ?? error) }
}
// After this module, the one that names the server has run.
setTimeout(() => {
  const body = JSON.stringify({ name: 'extension, service worker', result })
  fetch(`${globalThis.matrixServer}/result`, { method: 'POST', body })
})
