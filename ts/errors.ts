/**
 * What can go wrong: a closed set. Each error names what it is about, what was expected and what came instead; `code` tells
 * the classes apart where minifiers rename them.
 */

/** The codes of all errors. */
export type LayerRnnErrorCode =
  | 'argument'
  | 'shape'
  | 'state'
  | 'unsupported'
  | 'import'
  | 'disposed'
  | 'trace'
  | 'cell'
  | 'memory'
  | 'engine'

/** The facts of an error, as far as they are known. */
export interface ErrorDetails {
  /** Name of the layer or cell. */
  layer?: string
  /** The argument, option or input that is wrong. */
  argument?: string
  expected?: unknown
  actual?: unknown
  /** What raised this error. */
  cause?: unknown
}

/** The base of all errors of this package. */
export abstract class LayerRnnError extends Error implements ErrorDetails {
  abstract readonly code: LayerRnnErrorCode
  declare layer?: string
  declare readonly argument?: string
  declare readonly expected?: unknown
  declare readonly actual?: unknown

  constructor(message: string, { cause, ...details }: ErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause })
    Object.assign(this, details)
    // Minifiers rename classes, so the name comes from the code.
    Object.defineProperty(this, 'name', {
      get: () => `${this.code.charAt(0).toUpperCase()}${this.code.slice(1)}Error`,
    })
  }
}

/** An argument has a value that cannot be used. */
export class ArgumentError extends LayerRnnError {
  readonly code = 'argument'
}

/** Sizes or numbers of axes do not fit. */
export class ShapeError extends LayerRnnError {
  readonly code = 'shape'
}

/** The object is not in the state that the call needs: not built, not stateful, in the middle of a run. */
export class StateError extends LayerRnnError {
  readonly code = 'state'
}

/** Something that Keras can do and this package, or this entry of it, cannot. */
export class UnsupportedError extends LayerRnnError {
  readonly code = 'unsupported'
}

/** A file cannot be read. */
export class ImportError extends LayerRnnError {
  readonly code = 'import'
  /** Where in the file. */
  declare readonly path?: string

  constructor(message: string, details: ErrorDetails & { path?: string } = {}) {
    super(message, details)
  }
}

/** The object was disposed. */
export class DisposedError extends LayerRnnError {
  readonly code = 'disposed'
}

/** Values that are not there while a program is traced, or tensors of another trace. */
export class TraceError extends LayerRnnError {
  readonly code = 'trace'
}

/** A cell's `call` returned something else than its `stateSize` says. */
export class CellError extends LayerRnnError {
  readonly code = 'cell'
}

/** Memory could not be had. Everything that was alive still is. */
export class MemoryError extends LayerRnnError {
  readonly code = 'memory'
}

/** The engine could not be started, or has failed. */
export class EngineError extends LayerRnnError {
  readonly code = 'engine'
}

let layer: string | undefined
let path = ''

/** The layer or cell whose code is running, for messages. */
export const currentLayer = (): string | undefined => layer

/** The names of the layers and cells whose code is running, the outermost first: `encoder/rnn/0/cell`. */
export const currentPath = (): string => path

/** Runs the code of a layer or cell: errors that name no layer yet are made to name this one. */
export function inLayer<T>(name: string, fn: () => T): T {
  const outer = layer
  layer = name
  try {
    return naming(name, () => inPart(name, fn))
  } finally {
    layer = outer
  }
}

/** Runs `fn`: errors that name no layer yet are made to name this one. */
export function naming<T>(name: string, fn: () => T): T {
  try {
    return fn()
  } catch (error) {
    throw named(error, name)
  }
}

/** Runs a part of a layer's code that has a path of its own. */
export function inPart<T>(part: string, fn: () => T): T {
  const outer = path
  path = outer ? `${outer}/${part}` : part
  try {
    return fn()
  } finally {
    path = outer
  }
}

/** The error, naming this layer if it named none. */
export function named(error: unknown, name: string): unknown {
  if (error instanceof LayerRnnError && error.layer === undefined) {
    error.layer = name
    if (!error.message.startsWith(name)) error.message = `${name}: ${error.message}`
  }
  return error
}

/** The error of an argument that must be something else. */
export function mustBe(
  what: string,
  argument: string,
  expected: string | number,
  actual: unknown,
  Class: new (message: string, details: ErrorDetails) => LayerRnnError = ArgumentError,
): LayerRnnError {
  const text = `${what}: ${argument} must be ${expected}, not ${show(actual)}`
  return new Class(text, { argument, expected, actual })
}

/** How a file that is no such file begins: `begins with "PK"`. */
export function beginning(bytes: Uint8Array): string {
  const text = JSON.stringify(String.fromCharCode(...bytes.subarray(0, 15)))
  return `begins with ${text}${bytes[0] === 60 ? ', so it is a page, as servers send for a missing file' : ''}`
}

/** A value for a message: `[null, 3]`, `"tanh"`, `{ axis }`, `tensor float32 [2]`, `Map`. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (Array.isArray(value))
    return `[${value.length > 8 ? `${value.length} values` : value.map(show).join(', ')}]`
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null) return String(value)
  const Class = value.constructor
  if (!Class || Class === Object) return `{ ${Object.keys(value).slice(0, 8).join(', ')} }`
  return Symbol.toPrimitive in value ? String(value) : Class.name
}
