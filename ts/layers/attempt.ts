/** Attempts: what was done in one that fails is undone. */
let undos: (() => void)[] | undefined

/** Runs `fn`; when it throws, all is undone that was done inside, in attempts inside it too, the last thing first. */
export function attempt<T>(fn: () => T): T {
  const outer = undos
  const own: (() => void)[] = []
  undos = own
  try {
    const result = fn()
    outer?.push(...own)
    return result
  } catch (error) {
    for (const undo of own.reverse()) undo()
    throw error
  } finally {
    undos = outer
  }
}

/** Says how to undo what has just been done, should the attempt fail. */
export function undoing(undo: () => void): void {
  undos?.push(undo)
}
