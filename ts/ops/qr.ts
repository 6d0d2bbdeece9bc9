/** The QR decomposition, for orthogonal initializers. */
import { Op } from '../generated/enums.js'
import { type Like, type Operand, operate } from './operation.js'

/** x[m, n] with m ≥ n as q[m, n] · r[n, n]: q has orthonormal columns, r is upper triangular with a positive diagonal. */
export function qr<X extends Operand>(x: X): [q: Like<X>, r: Like<X>] {
  return operate('qr', [x], ([x], trace) => trace.emit(Op.Qr, [x!], [])) as unknown as [Like<X>, Like<X>]
}
