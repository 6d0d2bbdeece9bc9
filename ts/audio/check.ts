/** Whether a message is as `modelMessage` makes it, whoever sent it: an audio thread must neither hang nor throw. */
import { isModule } from '../engine/instance.js'
import { mustBe } from '../errors.js'
import type { ModelMessage } from './message.js'
import { part, type Ranges } from './snapshot.js'

/**
 * Refuses numbers that are none, places that are not in the memory, and calls whose parts do not fit together. What the memory holds is not
 * looked at; that it is of this version of the package, the module says.
 */
export function checkMessage(message: ModelMessage): void {
  const { hop, window, channels, module, size, bytes, ranges, calls, states } = message
  const refuse = (field: keyof ModelMessage, expected: string, actual: unknown) =>
    mustBe('a stream processor', field, expected, actual)
  const check = (field: keyof ModelMessage, fits: boolean) => {
    if (!fits) throw refuse(field, 'as modelMessage makes it', message[field])
  }
  const whole = (value: unknown, least = 1) => Number.isInteger(value) && (value as number) >= least
  const sum = (ranges: Ranges) => ranges.reduce((sum, [, length]) => sum + length, 0)
  const within = (ranges: unknown, most: number) =>
    Array.isArray(ranges) &&
    ranges.every(
      range =>
        Array.isArray(range) &&
        range.every(value => whole(value, 0) && value % 4 === 0) &&
        whole(range[1]) &&
        range[1] <= most &&
        range[0] + range[1] <= size,
    )
  check('hop', whole(hop, 0))
  check('window', hop === 0 ? window === 0 : whole(window, hop))
  check('channels', whole(channels))
  check('module', isModule(module))
  check('size', whole(size) && size % 65536 === 0)
  check('bytes', Object.prototype.toString.call(bytes) === '[object ArrayBuffer]')
  check('ranges', within(ranges, part))
  const length = sum(ranges)
  if (length !== bytes.byteLength)
    throw refuse('bytes', `the ${length} bytes that ranges say`, bytes.byteLength)
  check('states', within(states, size) && sum(states) <= size)
  check('calls', Array.isArray(calls) && calls[0]?.steps === 1)
  const frame = 4 * channels * (window || 1)
  const step = calls[0]!.output?.[1]
  const runs = calls.every(
    call =>
      whole(call?.id) &&
      whole(call.steps) &&
      within([call.input, call.output], size) &&
      call.input[1] === call.steps * frame &&
      call.output[1] === call.steps * step,
  )
  check('calls', runs && (hop === 0 ? step === frame : step % (4 * channels) === 0))
}
