/** What ends a command: a sentence and an exit status, never a stack. */
import { getSystemErrorMap } from 'node:util'
import { LayerRnnError } from '../errors.js'

/** The command was understood and could not be done: status 1. */
export class Failure extends Error {
  readonly status: number = 1
}

/** The command makes no sense: status 2. */
export class UsageError extends Failure {
  override readonly status = 2
}

/** A failure whose sentence begins with the name of a file. */
class FileFailure extends Failure {}

/** Runs `work` over a file; what the file is to blame for becomes a Failure that begins with its name. */
export async function about<T>(file: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const text = sentence(error)
    if (text === undefined) throw error
    throw new FileFailure(`${shown(file)}: ${text}`, { cause: error })
  }
}

/** How a file is called in messages. */
export const shown = (file: string): string => (file === '-' ? 'standard input' : file)

/** What an error of the package or of the system says; undefined for one that is our own mistake. */
function sentence(error: unknown): string | undefined {
  if (error instanceof FileFailure || error instanceof UsageError) return undefined
  if (error instanceof LayerRnnError || error instanceof Failure) return error.message
  const { errno } = error as NodeJS.ErrnoException
  return errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]
}
