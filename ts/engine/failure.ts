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
} from '../errors.js'
import { ErrorCode } from '../generated/enums.js'
import { dtypeOf } from '../tensor/shape.js'

/** Names an input by its index in the call that failed; a description of it follows when there is one. */
export type InputNamer = (input: number) => string

type Make = (what: string, operands: Int32Array, name: InputNamer) => LayerRnnError

const wrong = (
  Class: new (message: string, details: ErrorDetails) => LayerRnnError,
  what: string,
  text: string,
  expected: unknown,
  actual: unknown,
) => new Class(`${what}: ${text}`, { expected, actual })

const size = (dim: number | undefined) => (dim! < 0 ? null : dim)

const errors: Record<ErrorCode, Make> = {
  [ErrorCode.Shape]: (what, [input, axis, expected, actual], name) =>
    axis === -1
      ? wrong(
          ShapeError,
          what,
          `${name(input!)} has ${expected} elements, the new shape ${actual}`,
          expected,
          actual,
        )
      : wrong(
          ShapeError,
          what,
          `axis ${axis} of ${name(input!)} must be ${size(expected)}, not ${size(actual)}`,
          size(expected),
          size(actual),
        ),
  [ErrorCode.Rank]: (what, [input, expected, actual], name) =>
    wrong(ShapeError, what, `${name(input!)} must have ${expected} axes, not ${actual}`, expected, actual),
  [ErrorCode.Dtype]: (what, [input, expected, actual], name) => {
    const [wanted, given] = [dtypeOf(expected!), dtypeOf(actual!)]
    return wrong(ArgumentError, what, `${name(input!)} must be ${wanted}, not ${given}`, wanted, given)
  },
  [ErrorCode.Stale]: what => new DisposedError(`${what}: something that it uses has been disposed`),
  [ErrorCode.Memory]: (what, [words]) =>
    new MemoryError(`${what}: no memory for ${4 * (words! >>> 0)} more bytes`, {
      actual: 4 * (words! >>> 0),
    }),
  [ErrorCode.Index]: (what, [value, limit]) =>
    wrong(ArgumentError, what, `index ${value} is not below ${limit}`, `0 to ${limit! - 1}`, value),
  [ErrorCode.Attribute]: (what, [index, value]) =>
    wrong(ArgumentError, what, `attribute ${index} cannot be ${value}`, undefined, value),
  [ErrorCode.Inputs]: (what, [expected, actual]) =>
    wrong(ArgumentError, what, `${expected} inputs are needed, not ${actual}`, expected, actual),
  [ErrorCode.Busy]: what =>
    new StateError(`${what}: a tensor that is written is also read or written elsewhere in the same run`),
  [ErrorCode.Op]: (what, [op]) => new EngineError(`${what}: this wasm has no op ${op}`, { actual: op }),
}

/** The error of a code and its operands. `what` is the op or call that failed. */
export function failure(
  code: number,
  operands: Int32Array,
  what: string,
  name: InputNamer = input => `input ${input}`,
): LayerRnnError {
  const make = errors[code as ErrorCode]
  return make ? make(what, operands, name) : new EngineError(`${what}: the engine failed with code ${code}`)
}
