import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { WarderError } from '@warder/contract'

/** A process that hangs in a login is killed by its watchdog, at last; whoever waits for it tries again later. */
const patienceSeconds = 10
const waitedLongEnough = 1

/**
 * Runs `fn` while no other process is in here for the same token. The lock is flock(2) on a file of the token's, made by
 * flock(1) of util-linux on our open file, which it inherits; the kernel lets go of it when this process ends, however it dies.
 * @throws WarderError `hsm-unavailable` when another process stays in there, `config-invalid` when nothing can be locked.
 */
export async function alone<T>(
  stateDir: string,
  serial: string,
  fn: () => Promise<T>,
  waitSeconds = patienceSeconds,
): Promise<T> {
  const file = await lockFile(stateDir, serial)
  try {
    const exitCode = await lockInherited(file.fd, waitSeconds)
    if (exitCode === waitedLongEnough) {
      throw new WarderError('hsm-unavailable', 'another process has been logging in to this token for too long', {
        facts: { reason: 'login-under-way', serial },
      })
    }
    if (exitCode !== 0) throw notLockable(new Error(`flock: exit ${exitCode}`))
    return await fn()
  } finally {
    await file.close()
  }
}

async function lockFile(stateDir: string, serial: string): Promise<FileHandle> {
  let file: FileHandle | undefined
  try {
    const { O_RDONLY, O_CREAT, O_NOFOLLOW } = constants
    const path = join(stateDir, `login.${encodeURIComponent(serial)}.lock`)
    file = await open(path, O_RDONLY | O_CREAT | O_NOFOLLOW, 0o600)
    if (process.geteuid?.() !== 0) return file
    // root may be the first, with a command, and the hosts of another user are to come after
    const { uid, gid } = await stat(stateDir)
    await file.chown(uid, gid)
    return file
  } catch (error) {
    await file?.close()
    throw notLockable(error)
  }
}

function lockInherited(fd: number, waitSeconds: number): Promise<number | null> {
  return new Promise(resolve => {
    const child = spawn('flock', ['-x', '-w', String(waitSeconds), '3'], {
      stdio: ['ignore', 'ignore', 'ignore', fd],
      env: { PATH: '/usr/bin:/bin' },
      timeout: (waitSeconds + 5) * 1000,
    })
    child.once('error', () => resolve(null))
    child.once('close', resolve)
  })
}

function notLockable(cause: unknown): WarderError {
  const message = 'the state directory cannot be locked: it must be on a local disk, and flock of util-linux installed'
  return new WarderError('config-invalid', message, { facts: { field: 'stateDir' }, cause })
}
