// Runs every case in the browser, one after the other, and sends each result to the server.
import { post } from './tell.mjs'

const seconds = 20

/** A promise of one message, or the error. */
const message = target =>
  new Promise((resolve, reject) => {
    target.onmessage = event => resolve(event.data)
    target.onerror = event => reject(new Error(event.message ?? `${event.type} while loading`))
    target.onprocessorerror = () => reject(new Error('the processor threw'))
  })

const late = () =>
  new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`no answer in ${seconds} s`)), 1000 * seconds)
  })

async function worker(url, type) {
  const made = new Worker(url, { type })
  return message(made).finally(() => made.terminate())
}

/** Scope is a folder that holds nothing: the worker serves no page. */
async function serviceWorker(url, type) {
  const registration = await navigator.serviceWorker.register(url, { type, scope: `${url}.scope/` })
  try {
    const installed = registration.installing ?? registration.waiting ?? registration.active
    if (installed.state !== 'activated') {
      await new Promise(resolve => {
        installed.onstatechange = () => installed.state === 'activated' && resolve()
      })
    }
    const answer = message(navigator.serviceWorker)
    navigator.serviceWorker.startMessages()
    installed.postMessage('')
    return await answer
  } finally {
    await registration.unregister()
  }
}

async function worklet(scripts, withModule) {
  const context = new OfflineAudioContext(1, 128 * 100, 48000)
  for (const script of scripts) await context.audioWorklet.addModule(script)
  const processorOptions = {}
  if (withModule)
    processorOptions.module = await WebAssembly.compileStreaming(fetch('/package/dist/layer_rnn.wasm'))
  const node = new AudioWorkletNode(context, 'answers', { processorOptions })
  node.connect(context.destination)
  const answer = message(node.port)
  node.onprocessorerror = () => node.port.onerror({ message: 'the processor threw' })
  context.startRendering()
  return answer
}

/** The page sends its own result; this waits for the server to have it. */
async function page(name, query) {
  const frame = document.createElement('iframe')
  frame.src = `/page?${query}&name=${encodeURIComponent(name)}`
  document.body.append(frame)
  try {
    for (;;) {
      const { known } = await (await fetch(`/known?name=${encodeURIComponent(name)}`)).json()
      if (known) return undefined
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  } finally {
    frame.remove()
  }
}

const run = {
  page: ({ name, query }) => page(name, query),
  worker: ({ url }) => worker(url, 'module'),
  classicWorker: ({ url }) => worker(url, 'classic'),
  serviceWorker: ({ url }) => serviceWorker(url, 'module'),
  classicServiceWorker: ({ url }) => serviceWorker(url, 'classic'),
  worklet: ({ scripts, module }) => worklet(scripts, module),
}

for (const each of await (await fetch('/cases')).json()) {
  let result
  try {
    result = await Promise.race([run[each.kind](each), late()])
  } catch (error) {
    result = { error: String(error?.message ?? error) }
  }
  if (result) await post(each.name, result)
}
await post('end', {})
