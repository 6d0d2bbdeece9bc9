/** What `apply` takes and what it gives: like to like. */
import type { ArrayLike, Values } from '../tensor/convert.js'
import type { WholeShape } from '../tensor/shape.js'
import type { SymbolicTensor, Tensor } from '../tensor/tensor.js'
import type { StateSize } from './state_size.js'
import type { Nested } from './structure.js'

/** Nested arrays of numbers or booleans. */
export type NumberArray = readonly ArrayLike[]

/** What a layer is applied to: a tensor, symbolic or with data, data in nested arrays, or several of these. */
export type Applicable =
  | SymbolicTensor
  | Values
  | NumberArray
  | readonly Applicable[]
  | { readonly [name: string]: Applicable }

/** Data for a model: numbers in any form or a tensor, for several inputs an array or object of these. */
export type Inputs = Nested<ArrayLike | Tensor>

/** A mask, for several inputs an array or object of masks; null where there is none. */
export type Masks = Nested<ArrayLike | SymbolicTensor | null>

/** Options of type `O`, which may have no others than `Known`: inferring `O` alone would let misspelled ones pass. */
export type Exact<O, Known> = O & { readonly [Name in Exclude<keyof O, keyof Known>]: never }

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

/** The structure `S` with every symbolic tensor replaced by `T`. */
export type Replaced<S, T> = S extends SymbolicTensor
  ? T
  : S extends readonly unknown[]
    ? { -readonly [K in keyof S]: Replaced<S[K], T> }
    : { -readonly [K in keyof S]: Replaced<S[K], T> }

/** The states of a cell, or of a list of cells, as tensors. */
export type StatesOf<C> = C extends { readonly $states: infer S }
  ? S
  : C extends readonly unknown[]
    ? { -readonly [K in keyof C]: StatesOf<C[K]> }
    : C extends { readonly stateSize: infer Size }
      ? StateSize extends Size
        ? unknown
        : Sized<Size>
      : unknown

/** A tensor for every size. */
type Sized<Size> = Size extends number | WholeShape ? Tensor : { -readonly [K in keyof Size]: Sized<Size[K]> }

/** The states as a list: a cell's only state stands in one too. Of states that are not known, anything. */
export type StateList<S, T> = unknown extends S
  ? // biome-ignore lint/suspicious/noExplicitAny: nothing is known of them
    any[]
  : Replaced<S, T> extends readonly unknown[]
    ? Replaced<S, T>
    : [Replaced<S, T>]

/** An option's type: false where it is not given, unknown where only its general type is known. */
type Given<O, Name extends string> = Name extends keyof O ? O[Name] : false

/** `[output, ...states]` when `returnState` is true, the output when it is false, either when that is unknown. */
export type RecurrentOutput<O, S, T> = 0 extends 1 & O
  ? T | [T, ...StateList<S, T>]
  : [Given<O, 'returnState'>] extends [true]
    ? [T, ...StateList<S, T>]
    : [Given<O, 'returnState'>] extends [false | undefined]
      ? T
      : T | [T, ...StateList<S, T>]

/** The same of a layer for both directions: the states of both, both outputs where `mergeMode` is null. */
export type BidirectionalOutput<O, S, W, T> = 0 extends 1 & W
  ? // biome-ignore lint/suspicious/noExplicitAny: nothing is known of its options
    any
  : W extends { mergeMode: null }
    ? Twice<O, S, [T, T], T>
    : Given<O, 'returnState'> extends false | undefined
      ? T
      : Twice<O, S, [T], T>

type Twice<O, S, Outputs extends unknown[], T> = [Given<O, 'returnState'>] extends [true]
  ? [...Outputs, ...StateList<S, T>, ...StateList<S, T>]
  : [Given<O, 'returnState'>] extends [false | undefined]
    ? Outputs
    : T | T[]

/**
 * What a layer gives, as its `$returns` says: `'same'` as its input; a recurrent layer by its options; a model in the form
 * of its outputs. Of a layer that says nothing, anything.
 */
export type Output<R, X> = 0 extends 1 & R
  ? R
  : R extends { twice: infer W; options: infer O; states: infer S }
    ? BidirectionalOutput<O, S, W, Like<X>>
    : R extends { options: infer O; states: infer S }
      ? RecurrentOutput<O, S, Like<X>>
      : R extends { outputs: infer S }
        ? Replaced<S, Like<X>>
        : Like<X>
