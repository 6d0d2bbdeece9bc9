/** Chromium's debugging protocol over pipes, for rows that a page cannot answer by itself. */

/** Opens a page and waits until it has defined the function `ready`; `evaluate` gives what an expression comes to there. */
export async function open(child, url, ready) {
  const { send, attached } = connect(child)
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
  const end = Date.now() + 60_000
  while (!(await evaluate(`typeof ${ready} === 'function'`))) {
    if (Date.now() > end) throw new Error(`${url} has no ${ready} after a minute`)
    await new Promise(next => setTimeout(next, 100))
  }
  return { send, attached, evaluate }
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
