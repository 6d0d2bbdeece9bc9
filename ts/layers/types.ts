/** What `apply` takes and what it gives: like to like. */
import type { StateSize } from '../cells/cell.js'
import type { NdArray } from '../tensor/ndarray.js'
import type { Data } from '../tensor/shape.js'
import type { SymbolicTensor, Tensor } from '../tensor/tensor.js'
import type { Nested } from './structure.js'

/** Nested arrays of numbers or booleans. */
export type NumberArray = readonly (number | boolean | NumberArray)[]

/** What a layer is applied to: a tensor, symbolic or with data, data in nested arrays, or several of these. */
export type Applicable =
  | SymbolicTensor
  | NdArray<Data>
  | NumberArray
  | readonly Applicable[]
  | { readonly [name: string]: Applicable }

/** The tensor type that `X` leads to: symbolic inputs give symbolic tensors, data give data. */
export type Like<X> = X extends Tensor
  ? Tensor
  : X extends SymbolicTensor
    ? SymbolicTensor
    : X extends readonly [infer First, ...unknown[]]
      ? Like<First>
      : X extends readonly (infer Item)[]
        ? Item extends SymbolicTensor
          ? Like<Item>
          : Tensor
        : Tensor

/** The structure of a state size with `T` for every state. */
export type StatesOf<S, T> = StateSize extends S
  ? Nested<T>
  : S extends number
    ? T
    : S extends readonly unknown[]
      ? { -readonly [K in keyof S]: StatesOf<S[K], T> }
      : S extends object
        ? { -readonly [K in keyof S]: StatesOf<S[K], T> }
        : unknown

type StateList<S, T> = S extends readonly unknown[] ? StatesOf<S, T> : [StatesOf<S, T>]
type Spread<L> = L extends readonly unknown[] ? L : never

/** An option's type: false where it is not given, unknown where only its general type is known. */
type Given<O, Name extends string> = Name extends keyof O ? O[Name] : false

/** `[output, ...states]` when `returnState` is true, the output when it is false, either when that is unknown. */
export type RecurrentOutput<O, S, T> = [Given<O, 'returnState'>] extends [true]
  ? [T, ...Spread<StateList<S, T>>]
  : [Given<O, 'returnState'>] extends [false | undefined]
    ? T
    : T | [T, ...Spread<StateList<S, T>>]

/** The structure `S` with every symbolic tensor replaced by `T`. */
export type Replaced<S, T> = S extends SymbolicTensor
  ? T
  : S extends readonly unknown[]
    ? { -readonly [K in keyof S]: Replaced<S[K], T> }
    : { -readonly [K in keyof S]: Replaced<S[K], T> }

/**
 * What a layer gives, as its `$returns` says: `'same'` as its input; a recurrent layer by its options; a model in the form
 * of its outputs. Of a layer that says nothing, anything.
 */
export type Output<R, X> = 0 extends 1 & R
  ? R
  : R extends { options: infer O; stateSize: infer S }
    ? RecurrentOutput<O, S, Like<X>>
    : R extends { outputs: infer S }
      ? Replaced<S, Like<X>>
      : Like<X>
