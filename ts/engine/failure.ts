/** The engine's error codes with their operands, made into errors that name things. */
import {
  ArgumentError,
  DisposedError,
  EngineError,
  type ErrorDetails,
  type LayerRnnError,
  MemoryError,
  ShapeError,
  StateError,
  show,
  UnsupportedError,
} from '../errors.js'
import { ErrorCode } from '../generated/enums.js'
import { Op as opNames } from '../generated/names.js'
import { dtypeOf, type Shape } from '../tensor/shape.js'

type Fail = (
  Class: new (message: string, details: ErrorDetails) => LayerRnnError,
  text: string,
  expected?: unknown,
  actual?: unknown,
) => LayerRnnError

/** `input` is the name of the input that is wrong, if one is. */
type Make = (fail: Fail, operands: Int32Array, input: string) => LayerRnnError

const size = (dim: number | undefined) => (dim! < 0 ? null : dim)

const errors: Record<ErrorCode, Make> = {
  [ErrorCode.Shape]: (fail, [, axis, expected, actual], input) => {
    if (axis === -1)
      return fail(ShapeError, `${input} has ${expected} elements, the new shape ${actual}`, expected, actual)
    const [wanted, given] = [size(expected), size(actual)]
    return fail(ShapeError, `axis ${axis} of ${input} must be ${wanted}, not ${given}`, wanted, given)
  },
  [ErrorCode.Rank]: (fail, [, expected, actual], input) =>
    fail(ShapeError, `${input} must have ${expected} axes, not ${actual}`, expected, actual),
  [ErrorCode.Dtype]: (fail, [, expected, actual], input) => {
    const [wanted, given] = [dtypeOf(expected!), dtypeOf(actual!)]
    return fail(ArgumentError, `${input} must be ${wanted}, not ${given}`, wanted, given)
  },
  [ErrorCode.Stale]: fail => fail(DisposedError, 'something that it uses has been disposed'),
  [ErrorCode.Memory]: (fail, [words]) => {
    const bytes = 4 * (words! >>> 0)
    const text = words === -1 ? 'more than can be addressed' : `${readable(bytes)} more`
    return fail(MemoryError, `no memory for ${text}`, undefined, bytes)
  },
  [ErrorCode.Index]: (fail, [value, limit]) => {
    const expected = `0 … ${limit! - 1}`
    return fail(ArgumentError, `index ${value} is not in ${expected}`, expected, value)
  },
  [ErrorCode.Attribute]: (fail, [index, value]) =>
    fail(ArgumentError, `attribute ${index} cannot be ${value! >>> 0}`, undefined, value! >>> 0),
  [ErrorCode.Inputs]: (fail, [expected, actual]) =>
    fail(ArgumentError, `${expected} inputs are needed, not ${actual}`, expected, actual),
  [ErrorCode.Busy]: fail =>
    fail(StateError, 'a tensor that is written is also read or written elsewhere in the same run'),
  [ErrorCode.Gradient]: (fail, [op]) => {
    const name = opNames[op!]
    return fail(UnsupportedError, `the op ${name} has no gradient`, undefined, name)
  },
  [ErrorCode.Depth]: (fail, [most]) =>
    fail(UnsupportedError, `sequences can be inside one another ${most} deep, not deeper`, most),
  [ErrorCode.Op]: (fail, [op]) =>
    fail(
      UnsupportedError,
      `this needs the op ${opNames[op!]}, which the WebAssembly of layer-rnn/infer has not (first values, random numbers, gradients): give all weights, or import layer-rnn before anything is computed`,
      undefined,
      opNames[op!],
    ),
}

/** 400 bytes, 1.5 GiB */
function readable(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB']
  let size = bytes
  for (; size >= 1024 && units.length > 1; units.shift()) size /= 1024
  return `${+size.toFixed(1)} ${units[0]}`
}

/**
 * The error of a code and its operands. `what` is the op or call that failed, or nothing; `roles` is what its inputs are to who made
 * the call, `shapes` their shapes where they are known.
 */
export function failure(
  code: number,
  operands: Int32Array,
  what: string,
  roles: readonly (string | undefined)[] = [],
  shapes: readonly Shape[] = [],
): LayerRnnError {
  const input = operands[0]!
  const role = code <= ErrorCode.Dtype ? (roles[input] ?? `input ${input + 1}`) : undefined
  const argument = roles[input] === undefined ? role : role?.replace(/ \d+$/, '')
  // of all ops only this one can be given a wrong number, in a step too
  const op = code === ErrorCode.Index && what === 'sequence' ? 'take' : what
  const fail: Fail = (Class, text, expected, actual) =>
    new Class(op ? `${op}: ${text}` : text, { argument, expected, actual })
  const make = errors[code as ErrorCode]
  return make
    ? make(fail, operands, shapes[input] ? `${role} ${show(shapes[input])}` : `${role}`)
    : fail(EngineError, `the engine failed with code ${code}`)
}
