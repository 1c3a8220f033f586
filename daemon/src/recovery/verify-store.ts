import { type Log, type Op, WarderError } from '@warder/contract'
import { compareStore, type Difference, differences, readHeads } from '@warder/core'
import { journalDirectory, withBackends } from '../compose.ts'
import type { Config } from '../config/schema.ts'
import { readJournalDirectory } from '../journal/journal-directory.ts'
import { filesIn } from './archive.ts'
import { refuseUnfinished } from './unfinished.ts'

export interface StoreReport {
  readonly origin: string
  /** The last record of the journal. */
  readonly seq: number
  /** How many records were looked at. */
  readonly records: number
  readonly counts: Readonly<Record<Difference, number>>
  /** The first ones. */
  readonly differing: readonly { readonly found: Difference; readonly collection: string; readonly id: string }[]
}

/** So many are named; all are counted. */
const mostNamed = 1000

/**
 * Holds every record in storage to the journal. Changes nothing, and needs no HSM.
 * @throws WarderError `journal-corrupt`, or `not-initialised` when there is no journal
 */
export async function verifyStore(
  config: Config,
  log: Log,
  progress: (records: number, of: number) => void = () => undefined,
): Promise<StoreReport> {
  const op: Op = { signal: new AbortController().signal }
  return withBackends(config, log, async ({ store }, closer) => {
    await refuseUnfinished(config.dataDir)
    const directory = journalDirectory(config.dataDir)
    const found = (await filesIn(directory)).length === 0 ? undefined : await readHeads(readJournalDirectory(directory))
    if (found?.verified.fault !== undefined) throw found.verified.fault
    if (found?.end === undefined) throw new WarderError('not-initialised', `${directory} holds no journal.`)
    const counts = Object.fromEntries(differences.map(each => [each, 0])) as Record<Difference, number>
    const differing: { found: Difference; collection: string; id: string }[] = []
    const { size } = found.heads
    let records = 0
    for await (const { found: difference, collection, id } of compareStore(store, found, op)) {
      progress(++records, size)
      if (difference === 'same') continue
      counts[difference]++
      if (differing.length < mostNamed) differing.push({ found: difference, collection, id })
    }
    await closer[Symbol.asyncDispose]()
    const { origin, seq } = found.end
    return { origin, seq, records, counts, differing }
  })
}
