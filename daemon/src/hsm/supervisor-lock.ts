import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { WarderError } from '@warder/contract'

/**
 * One supervisor for a run directory, by flock(2) on the directory itself: the kernel lets go when the process ends,
 * however it dies, and nothing is left to be recognised as stale. Node has no call for it, so flock(1) of util-linux makes
 * it on our own open directory, which it inherits; the lock stays when it exits.
 *
 * @throws WarderError `config-invalid` with the fact `already-running`.
 */
export async function lockRunDirectory(runDir: string): Promise<() => Promise<void>> {
  const handle = await open(runDir, constants.O_RDONLY | constants.O_DIRECTORY)
  const exitCode = await lockInherited(handle.fd)
  if (exitCode === 0) return () => handle.close()
  await handle.close()
  if (exitCode === heldByAnother) {
    throw new WarderError('config-invalid', 'Another warder-hsm is already running on this run directory', {
      facts: { field: 'runDir', reason: 'already-running' },
    })
  }
  const message =
    'The HSM run directory cannot be locked: it must be on a local disk, and flock of util-linux installed'
  throw new WarderError('config-invalid', message, { facts: { field: 'runDir', reason: 'not-lockable' } })
}

const heldByAnother = 1

/** flock's exit code, `null` when it could not be run. */
function lockInherited(fd: number): Promise<number | null> {
  return new Promise(resolve => {
    const child = spawn('flock', ['-x', '-n', '3'], {
      stdio: ['ignore', 'ignore', 'ignore', fd],
      env: { PATH: '/usr/bin:/bin' },
      timeout: 10_000,
    })
    child.once('error', () => resolve(null))
    child.once('close', resolve)
  })
}
