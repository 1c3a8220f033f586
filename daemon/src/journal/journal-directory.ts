import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { link, mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { AppendFile, JournalFiles } from '@warder/core'
import { DurableFile, keepReserve, writeFully } from './append-file.ts'

const temporary = '.tmp'
const reserveName = 'reserve'

/** The journal's files in a directory of their own, mode 0700, files 0600. */
export async function openJournalDirectory(directory: string): Promise<JournalFiles> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  for (const name of await readdir(directory))
    if (name.endsWith(temporary)) await rm(join(directory, name), { force: true })
  const reserve = join(directory, reserveName)
  await keepReserve(reserve)
  return { ...readJournalDirectory(directory), create, open: reopen }

  async function create(name: string, content: Uint8Array): Promise<AppendFile> {
    const path = join(directory, name)
    const temporaryPath = `${path}.${randomBytes(6).toString('hex')}${temporary}`
    const handle = await open(temporaryPath, 'wx+', 0o600)
    try {
      await writeFully(handle, content, 0)
      await handle.sync()
      await link(temporaryPath, path)
      await rm(temporaryPath)
      await syncDirectory(directory)
      return await DurableFile.over(handle, path, reserve)
    } catch (error) {
      await handle.close()
      await rm(temporaryPath, { force: true })
      throw error
    }
  }

  async function reopen(name: string, length: number): Promise<AppendFile> {
    const path = join(directory, name)
    const handle = await open(path, 'r+')
    try {
      await handle.truncate(length)
      await handle.sync()
      return await DurableFile.over(handle, path, reserve)
    } catch (error) {
      await handle.close()
      throw error
    }
  }
}

/** The reading half alone, which changes nothing: for verifying a journal that another process may be writing. */
export function readJournalDirectory(directory: string): Pick<JournalFiles, 'list' | 'read'> {
  return {
    list: async () => (await readdir(directory)).filter(name => name !== reserveName && !name.endsWith(temporary)),
    read: name => createReadStream(join(directory, name), { highWaterMark: 1 << 20 }),
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
