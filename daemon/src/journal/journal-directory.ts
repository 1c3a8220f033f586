import { randomBytes } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { chmod, link, mkdir, open, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { AppendFile, JournalFiles } from '@warder/core'
import { appending, DurableFile, keepReserve, unwritable, writeFully } from './append-file.ts'

const temporary = '.tmp'
const reserveName = 'reserve'

/** The journal's files in a directory of their own, made if missing and durable then; mode 0700, files 0600. */
export async function openJournalDirectory(directory: string): Promise<JournalFiles> {
  const made = await mkdir(directory, { recursive: true, mode: 0o700 })
  if (made !== undefined) await syncDirectory(dirname(made))
  await chmod(directory, 0o700)
  for (const name of await readdir(directory))
    if (name.endsWith(temporary)) await rm(join(directory, name), { force: true })
  const reserve = join(directory, reserveName)
  await keepReserve(reserve)
  return { ...readJournalDirectory(directory), create, open: reopen }

  async function create(name: string, content: Uint8Array): Promise<AppendFile> {
    const path = join(directory, name)
    const temporaryPath = `${path}.${randomBytes(6).toString('hex')}${temporary}`
    try {
      const handle = await open(temporaryPath, appending | constants.O_CREAT | constants.O_EXCL, 0o600)
      try {
        await writeFully(handle, content)
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
    } catch (error) {
      throw unwritable(error)
    }
  }

  async function reopen(name: string, length: number): Promise<AppendFile> {
    const path = join(directory, name)
    try {
      await settle(path, length)
      const handle = await open(path, appending)
      try {
        return await DurableFile.over(handle, path, reserve)
      } catch (error) {
        await handle.close()
        throw error
      }
    } catch (error) {
      throw unwritable(error)
    }
  }
}

/** More than one batch of the journal, which is what a failed sync can have concerned. */
const doubtful = 1 << 21

/**
 * Cuts a file to `length`, and writes its last part again before the sync. If the last run ended with a failed sync, the
 * kernel may hold pages that look clean and are not on the disk: a sync alone would say nothing and do nothing.
 */
async function settle(path: string, length: number): Promise<void> {
  const handle = await open(path, 'r+')
  try {
    await handle.truncate(length)
    const from = Math.max(0, length - doubtful)
    const tail = Buffer.alloc(length - from)
    for (let done = 0; done < tail.length;) {
      const { bytesRead } = await handle.read(tail, done, tail.length - done, from + done)
      if (bytesRead === 0) throw new Error('the file is shorter than it was')
      done += bytesRead
    }
    for (let done = 0; done < tail.length;) {
      done += (await handle.write(tail, done, tail.length - done, from + done)).bytesWritten
    }
    await handle.sync()
  } finally {
    await handle.close()
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
