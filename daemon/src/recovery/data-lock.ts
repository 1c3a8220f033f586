import { WarderError } from '@warder/contract'
import { lockDirectory } from '../directory-lock.ts'

/**
 * One process for a data directory, whatever its storage is; see {@link lockDirectory}.
 * @throws WarderError `config-invalid`, fact `reason: already-running`
 */
export async function lockDataDirectory(dataDir: string): Promise<() => Promise<void>> {
  const lock = await lockDirectory(dataDir)
  if ('release' in lock) return lock.release
  if (lock.refused === 'held') {
    throw new WarderError(
      'config-invalid',
      `Another process works on ${dataDir}: stop it first (systemctl stop warder).`,
      {
        facts: { field: 'dataDir', reason: 'already-running' },
      },
    )
  }
  throw new WarderError(
    'config-invalid',
    `${dataDir} cannot be locked: it must be on a local disk, and flock of util-linux installed.`,
    { facts: { field: 'dataDir', reason: 'not-lockable' } },
  )
}
