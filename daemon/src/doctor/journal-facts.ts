import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { WarderError } from '@warder/contract'
import { type JournalFiles, readJournal } from '@warder/core'

const dayMs = 86_400_000
/** Over how many days growth is told. */
const recentDays = 7

/** - `absent`: there is none. `unreadable`: it may not be read. `corrupt`: it does not verify. */
export type JournalFacts =
  | { readonly state: 'absent' }
  | { readonly state: 'unreadable'; readonly reason: string }
  | { readonly state: 'corrupt'; readonly message: string }
  | {
      readonly state: 'verified'
      readonly records: number
      readonly bytes: number
      readonly first: Date
      readonly newest: Date
      /** Bytes after the last commit: being written, or never acknowledged. */
      readonly tail: number
      /** How much it grew lately; `undefined` before it is a day old. */
      readonly bytesPerDay: number | undefined
      readonly freeBytes: number
      /** Of the file that keeps room for a last record; `undefined` when it is not there. */
      readonly reserveBytes: number | undefined
    }

/** Reads all of a journal as it is on disk; another process may be writing it. Changes nothing. */
export async function journalFacts(
  directory: string,
  files: Pick<JournalFiles, 'list' | 'read'>,
  now: Date,
): Promise<JournalFacts> {
  const since = now.getTime() - recentDays * dayMs
  let first = ''
  let newest = ''
  let recent = 0
  try {
    const { chain, tail } = await readJournal(files, ({ ts }) => {
      first ||= ts
      newest = ts
      if (Date.parse(ts) >= since) recent++
    })
    if (chain.next === 0) return { state: 'absent' }
    const bytes = await sizeOf(directory, await files.list())
    const { bavail, bsize } = await statfs(directory)
    const age = now.getTime() - Date.parse(first)
    const days = Math.min(recentDays, age / dayMs)
    return {
      state: 'verified',
      records: chain.next,
      bytes,
      first: new Date(first),
      newest: new Date(newest),
      tail: tail.bytes,
      bytesPerDay: days < 1 ? undefined : (recent * (bytes / chain.next)) / days,
      freeBytes: bavail * bsize,
      reserveBytes: await reserveOf(directory),
    }
  } catch (error) {
    if (WarderError.is(error, 'journal-corrupt')) return { state: 'corrupt', message: error.message }
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return { state: 'absent' }
    return { state: 'unreadable', reason: code ?? 'failed' }
  }
}

async function sizeOf(directory: string, names: readonly string[]): Promise<number> {
  const sizes = await Promise.all(names.map(async name => (await stat(join(directory, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

async function reserveOf(directory: string): Promise<number | undefined> {
  if (!(await readdir(directory)).includes('reserve')) return undefined
  return (await stat(join(directory, 'reserve'))).size
}
