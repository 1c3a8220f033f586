import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

export type DirectoryLock =
  | { readonly release: () => Promise<void> }
  /** `held` by another process, or the directory cannot be locked at all. */
  | { readonly refused: 'held' | 'not-lockable' }

/**
 * A directory for one process, by flock(2) on the directory itself: the kernel lets go when the process ends, however it
 * dies, and nothing is left to be recognised as stale. Node has no call for it, so flock(1) of util-linux makes it on our own
 * open directory, which it inherits; the lock stays when it exits.
 */
export async function lockDirectory(path: string): Promise<DirectoryLock> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  const exitCode = await lockInherited(handle.fd)
  if (exitCode === 0) return { release: () => handle.close() }
  await handle.close()
  return { refused: exitCode === heldByAnother ? 'held' : 'not-lockable' }
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
