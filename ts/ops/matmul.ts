/** Products of matrices, and rows of tables. */
import { mustBe, UnsupportedError } from '../errors.js'
import { Op } from '../generated/enums.js'
import { cast } from './cast.js'
import { type Like, type Operand, operateOne } from './operation.js'
import { expandDims, squeeze } from './shaping.js'

/** a[…, m, k] · b[…, k, n]; a vector b[k] gives […, m]. More axes of b must be those of a. */
export function matmul<A extends Operand, B extends Operand>(a: A, b: B): Like<A | B> {
  return operateOne<A | B>('matmul', [a, b], ([a, b], trace) => {
    const column = b!.rank === 1
    const matrix = cast(column ? expandDims(b!, 1) : b!, 'float32')
    const [product] = trace.emit(Op.MatMul, [cast(a!, 'float32'), matrix], [0])
    return column ? squeeze(product!, -1) : product!
  })
}

/** The product of the last axis of a with a matrix or vector b. */
export function dot<A extends Operand, B extends Operand>(a: A, b: B): Like<A | B> {
  return operateOne<A | B>('dot', [a, b], ([a, b]) => {
    if (b!.rank > 2) {
      throw mustBe('dot', 'b', 'a vector or matrix (matmul takes more)', b, UnsupportedError)
    }
    return matmul(a!, b!)
  })
}

/** x · kernel + bias, each sum starting with the bias: a dense layer. */
export function linear<X extends Operand, K extends Operand, B extends Operand = K>(
  x: X,
  kernel: K,
  bias?: B | null,
): Like<X> {
  const operands: (X | K | B)[] = bias ? [x, kernel, bias] : [x, kernel]
  const roles = ['x', 'kernel', 'bias']
  return operateOne(
    'linear',
    operands,
    (values, trace) => trace.emit(Op.MatMul, values, [0])[0]!,
    roles,
  ) as Like<X>
}

/** Rows of a table [n, …] by ids, which are cut to int32: […ids, …]. An id that is not in the table is an ArgumentError of the run. */
export function take<T extends Operand, I extends Operand>(table: T, ids: I, axis = 0): Like<T | I> {
  if (axis !== 0) throw mustBe('take', 'axis', 0, axis, UnsupportedError)
  return operateOne<T | I>(
    'take',
    [table, ids],
    ([table, ids], trace) => trace.emit(Op.Gather, [table!, cast(ids!, 'int32')], [])[0]!,
    ['table', 'ids'],
  )
}
