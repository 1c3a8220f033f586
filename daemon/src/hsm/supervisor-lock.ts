import { WarderError } from '@warder/contract'
import { lockDirectory } from '../directory-lock.ts'

/**
 * One supervisor for a run directory; see {@link lockDirectory}.
 *
 * @throws WarderError `config-invalid` with the fact `already-running`.
 */
export async function lockRunDirectory(runDir: string): Promise<() => Promise<void>> {
  const lock = await lockDirectory(runDir)
  if ('release' in lock) return lock.release
  if (lock.refused === 'held') {
    throw new WarderError('config-invalid', 'Another warder-hsm is already running on this run directory', {
      facts: { field: 'runDir', reason: 'already-running' },
    })
  }
  const message =
    'The HSM run directory cannot be locked: it must be on a local disk, and flock of util-linux installed'
  throw new WarderError('config-invalid', message, { facts: { field: 'runDir', reason: 'not-lockable' } })
}
