import { chmod, chown, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isRoot } from '../systemd/accounts.ts'

export interface DirectoryTraits {
  readonly mode: number
  /** Who it belongs to, when root makes it. */
  readonly uid: number
  readonly gid: number
}

/** Makes a directory where there is none, and answers whether it did. One that is there is left as it is. */
export async function makeDirectory(path: string, { mode, uid, gid }: DirectoryTraits): Promise<boolean> {
  const before = process.umask(0o022)
  try {
    await mkdir(dirname(path), { recursive: true })
  } finally {
    process.umask(before)
  }
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
  if (isRoot()) await chown(path, uid, gid)
  // last: a change of owner may clear the set-group-ID bit
  await chmod(path, mode)
  return true
}
