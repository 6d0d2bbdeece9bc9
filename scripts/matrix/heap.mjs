/** What an AudioWorklet allocates while models play, through Chromium's debugging protocol. */
import { open } from './debugging.mjs'

const [warm, quanta] = [10000, 5000]
/** Bytes of the smallest object: quanta that allocate would each make one. Some are timed, and each time is a number. */
const smallest = 12
const milliseconds = (1000 * 128) / 48000

/** Fails where a quantum allocates, or where a message with a model takes as long as one. */
export async function quietQuanta(child, url) {
  const { send, attached, evaluate } = await open(child, url, 'start')
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
