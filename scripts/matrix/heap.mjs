/** What an AudioWorklet allocates while models play, through Chromium's debugging protocol. */

const [warm, quanta] = [10000, 5000]
/** Bytes of the smallest object: quanta that allocate would each make one. Some are timed, and each time is a number. */
const smallest = 12
const milliseconds = (1000 * 128) / 48000

/** Fails where a quantum allocates, or where a message with a model takes as long as one. */
export async function quietQuanta(child, url) {
  const { send, attached } = await connect(child)
  const { targetInfos } = await send('Target.getTargets')
  const { targetId } = targetInfos.find(({ type }) => type === 'page')
  const { sessionId: page } = await send('Target.attachToTarget', { targetId, flatten: true })
  const attach = { autoAttach: true, waitForDebuggerOnStart: false, flatten: true }
  await send('Target.setAutoAttach', attach, page)
  await send('Page.enable', {}, page)
  await send('Page.navigate', { url }, page)
  const evaluate = async expression => {
    const options = { expression, awaitPromise: true, returnByValue: true }
    const { result, exceptionDetails } = await send('Runtime.evaluate', options, page)
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
    return result.value
  }
  while (!(await evaluate('typeof start === "function"'))) await new Promise(next => setTimeout(next, 100))
  for (const kind of ['samples', 'frames']) {
    await evaluate(`start('${kind}')`)
    await evaluate(`play(${warm})`)
    const worklet = attached('worklet')
    await send('HeapProfiler.collectGarbage', {}, worklet)
    const used = async () => (await send('Runtime.getHeapUsage', {}, worklet)).usedSize
    const before = await used()
    await evaluate(`play(${quanta})`)
    const grown = ((await used()) - before) / quanta
    if (!(Math.abs(grown) < smallest))
      throw new Error(`${kind}: the heap grows by ${grown} bytes in a quantum`)
    const taken = await evaluate('swaps(40)')
    if (!(taken < milliseconds)) throw new Error(`${kind}: a model takes ${taken} ms of the audio thread`)
  }
}

/** Commands over the pipe, and the sessions of targets that came, the last of a type. */
function connect({ stdio: [, , , to, from] }) {
  const waiting = new Map()
  const sessions = new Map()
  let text = ''
  from.on('data', data => {
    text += data
    const messages = text.split('\0')
    text = messages.pop()
    for (const { id, method, params, result, error } of messages.map(message => JSON.parse(message))) {
      if (method === 'Target.attachedToTarget') sessions.set(params.targetInfo.type, params.sessionId)
      const [resolve, reject] = waiting.get(id) ?? []
      if (error) reject?.(new Error(error.message))
      else resolve?.(result)
      waiting.delete(id)
    }
  })
  let last = 0
  const send = (method, params = {}, sessionId) =>
    new Promise((resolve, reject) => {
      waiting.set(++last, [resolve, reject])
      to.write(`${JSON.stringify({ id: last, method, params, sessionId })}\0`)
    })
  return { send, attached: type => sessions.get(type) }
}
