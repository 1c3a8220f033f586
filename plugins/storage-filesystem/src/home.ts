import { chmod, lstat, readdir, readFile, realpath, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isTemporary, temporaryName } from './file-name.ts'
import { makeDirectory, syncDirectory, writeSynced } from './durable.ts'
import { errnoOf, invalid, unavailable } from './failures.ts'

/** Marks a directory as ours and says how it is laid out. No collection can have this name. */
const marker = 'FORMAT'
const mark = 'warder-storage-filesystem 1\n'
/** What a file system of its own has in an empty root. */
const strange = new Set(['lost+found'])

/**
 * The one true path of the directory, which is made when it is missing, for its owner alone.
 * @throws WarderError `config-invalid` when it cannot be, or is no directory.
 */
export async function resolveHome(directory: string): Promise<string> {
  try {
    const path = (await exists(directory))
      ? await realpath(directory)
      : join(await realpath(dirname(directory)), basename(directory))
    await makeDirectory(path)
    await syncDirectory(dirname(path))
    const { mode } = await lstat(path)
    if ((mode & 0o077) !== 0) await chmod(path, 0o700)
    return path
  } catch (cause) {
    throw invalid(
      '`directory` cannot be made or entered: the one above it must exist, for this user to write in.',
      cause,
    )
  }
}

/**
 * Marks an empty directory, and recognises one that was marked. The caller holds the lock.
 * @throws WarderError `storage-unavailable` when it holds anything else, which is left as it is.
 */
export async function recogniseHome(path: string): Promise<void> {
  const found = await markOf(path)
  if (found === mark) return
  if (found !== undefined) throw unavailable('`directory` has a layout that this version does not know.')
  const others = (await readdir(path)).filter(name => !strange.has(name) && !isTemporary(name))
  if (others.length > 0) throw unavailable('`directory` holds files of another program: give this store an empty one.')
  const temporary = join(path, temporaryName(0))
  await rm(temporary, { force: true })
  await writeSynced(temporary, Buffer.from(mark))
  await rename(temporary, join(path, marker))
  await syncDirectory(path)
}

async function markOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(join(path, marker), 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw error
  }
}
