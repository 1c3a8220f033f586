import { constants } from 'node:fs'
import { mkdir, open, lstat, type FileHandle } from 'node:fs/promises'
import { errnoOf } from './failures.ts'

/** Makes a new file that its owner alone can read; its content is on the disk when this resolves, its name is not yet. */
export async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  await finish(file, async () => {
    await file.writeFile(bytes)
    await file.sync()
  })
}

/** What was made, renamed or removed in the directory is durable when this resolves. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  await finish(directory, () => directory.sync())
}

/** A directory that its owner alone can enter. One that is there already is taken, a link is not. Its name is not synced. */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST' || !(await lstat(path)).isDirectory()) throw error
  }
}

async function finish(file: FileHandle, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } finally {
    await file.close()
  }
}
