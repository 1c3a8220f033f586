import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { JournalFiles } from '@warder/core'
import { readJournalDirectory } from '../journal/journal-directory.ts'
import type { Format } from './format.ts'
import { withProgress } from './progress.ts'

type Files = Pick<JournalFiles, 'list' | 'read'>

/** Lends the files of a journal to read from, with a progress bar in bytes; none beside data that goes to a program. */
export async function withJournalProgress<T>(
  directory: string,
  format: Format,
  use: (files: Files) => Promise<T>,
): Promise<T> {
  const files = readJournalDirectory(directory)
  const quiet = format !== 'table' && !process.stdout.isTTY
  return withProgress(
    'reading the journal',
    await sizeOf(directory, files),
    report => {
      let done = 0
      return use({
        list: () => files.list(),
        read: async function* (name) {
          for await (const chunk of files.read(name)) {
            done += chunk.length
            report(done)
            yield chunk
          }
        },
      })
    },
    { quiet },
  )
}

/** In bytes. A directory that is not there fails when it is read, with its name. */
async function sizeOf(directory: string, files: Files): Promise<number> {
  const names = await files.list().catch(() => [])
  const sizes = await Promise.all(names.map(async name => (await stat(join(directory, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
