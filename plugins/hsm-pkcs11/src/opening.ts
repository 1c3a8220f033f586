import { WarderError } from '@warder/contract'
import { ckrOf, isHandleInvalid, meaningOf } from './ckr.ts'

/** The one answer for everything that may be wrong with what others made: not its reason, not even in the facts. */
export function decryptionFailed(cause?: unknown): WarderError {
  return new WarderError('decryption-failed', 'the input cannot be opened with this key', { cause })
}

/**
 * Runs what opens the input of others and makes one answer of all its failures. Modules answer a bad tag, a bad padding and
 * a broken token alike, so a token that is still well says that it was the input. A key that has gone, a token
 * that has gone, and one that has nothing to give now, are not the input's fault, and pass.
 * @throws WarderError `decryption-failed`.
 */
export async function opening<T>(alive: () => Promise<boolean>, fn: () => Promise<T>): Promise<T> {
  try {
    return await fn()
  } catch (error) {
    const ckr = ckrOf(error)
    if (ckr === undefined || isHandleInvalid(error) || fatal.has(meaningOf(ckr)) || !(await alive())) throw error
    throw decryptionFailed(error)
  }
}

const fatal: ReadonlySet<string> = new Set(['pin', 'gone', 'busy'])
