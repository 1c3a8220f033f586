import { spawn } from 'node:child_process'
import { constants, fstatSync, statSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { unavailable } from './failures.ts'

/** A directory held by this store alone. */
export class DirectoryLock {
  readonly #path: string
  readonly #handle: FileHandle

  constructor(path: string, handle: FileHandle) {
    this.#path = path
    this.#handle = handle
  }

  /** Whether the path still leads to the directory that is held, and not to another put in its place. */
  isInPlace(): boolean {
    const held = fstatSync(this.#handle.fd)
    const found = statSync(this.#path, { throwIfNoEntry: false })
    return found?.ino === held.ino && found.dev === held.dev
  }

  async release(): Promise<void> {
    await this.#handle.close()
  }
}

/**
 * Holds a directory against other processes and against a second store in this one, by flock(2) on the directory itself:
 * nothing is left to clean up, and the kernel lets go when the process ends, however it dies. Node has no call for that,
 * so flock(1) of util-linux makes it on our own open directory, which it inherits; the lock stays when it exits.
 * @throws WarderError `storage-unavailable` at once when it is held already.
 */
export async function holdLock(path: string): Promise<DirectoryLock> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    await lockInherited(handle.fd)
    return new DirectoryLock(path, handle)
  } catch (error) {
    await handle.close()
    throw error
  }
}

const wait = 10_000
const heldByAnother = 1

async function lockInherited(fd: number): Promise<void> {
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    const child = spawn('flock', ['-x', '-n', '3'], {
      stdio: ['ignore', 'ignore', 'ignore', fd],
      env: { PATH: '/usr/bin:/bin' },
      timeout: wait,
    })
    child.on('error', cause => reject(unavailable('The program `flock` of util-linux cannot be run.', cause)))
    child.on('close', resolve)
  })
  if (exitCode === 0) return
  if (exitCode === heldByAnother) {
    throw unavailable('The directory is already open by another process, or a second time in this one.')
  }
  throw unavailable('The directory cannot be locked: it must be on a local disk.', new Error(`flock: exit ${exitCode}`))
}
