/** What messages call the op that fails: the public one, which may be made of several of the engine's. */
import type { Op } from '../generated/enums.js'
import { Op as names } from '../generated/names.js'

/** A public op, and what it calls its operands. */
export interface PublicOp {
  op: string
  roles?: readonly string[]
}

/** The public op whose records are being made, for messages. */
let operation: PublicOp | undefined

/** The op that the next record is part of; the engine's own without one. */
export const currentOperation = (op: Op): PublicOp => operation ?? { op: opName(op) }

/** Runs `fn` as the op `op` with operands of these roles, unless it is part of another one. */
export function inOperation<T>(op: string, roles: readonly string[], fn: () => T): T {
  if (operation !== undefined) return fn()
  operation = { op, roles }
  try {
    return fn()
  } finally {
    operation = undefined
  }
}

/** Runs `fn`, a user's code, so that its ops are what messages name. */
export function outOfOperation<T>(fn: () => T): T {
  const outer = operation
  operation = undefined
  try {
    return fn()
  } finally {
    operation = outer
  }
}

function opName(op: Op): string {
  const name = names[op] ?? `op ${op}`
  return name.charAt(0).toLowerCase() + name.slice(1)
}
