import { readJournal, type WriteDigest } from '@warder/core'
import { readJournalDirectory } from '../../../daemon/src/journal/journal-directory.ts'

export interface JournalFacts {
  readonly records: number
  /** How many successful `key:sign` records there are, by request id. */
  readonly signs: ReadonlyMap<string, number>
  /** Outcomes that a restart wrote for intents which a kill had left open. */
  readonly settled: number
  /** Intents that no outcome ends yet. */
  readonly open: number
  /** Bytes of a batch that a kill cut short. */
  readonly tail: number
  /** Breaches of the history of records: revisions that skip or repeat, digests that do not follow each other. */
  readonly breaches: readonly string[]
}

/**
 * Verifies a journal as it is on disk, and follows every record it tells of: each change made must take the revision after
 * the one before, from the digest that one left.
 * @throws WarderError `journal-corrupt`
 */
export async function checkJournal(directory: string): Promise<JournalFacts> {
  const signs = new Map<string, number>()
  const intents = new Map<number, readonly WriteDigest[]>()
  const heads = new Map<string, { revision: number; digest: string | null }>()
  const breaches: string[] = []
  let settled = 0
  const follow = ({ collection, id, revision, old, new: digest }: WriteDigest): void => {
    const name = `${collection}/${id}`
    const head = heads.get(name) ?? { revision: 0, digest: null }
    if (revision !== head.revision + 1) breaches.push(`${name}: revision ${revision} after ${head.revision}`)
    if (old !== head.digest) breaches.push(`${name}: revision ${revision} does not follow from the one before`)
    heads.set(name, { revision, digest })
  }
  const { chain, tail } = await readJournal(readJournalDirectory(directory), record => {
    if (record.action === 'key:sign' && record.result === 'ok') {
      signs.set(record.correlation, (signs.get(record.correlation) ?? 0) + 1)
    }
    if (record.phase === 'intent') intents.set(record.seq, record.writes ?? [])
    if (record.phase !== 'outcome' || record.intent === undefined) return
    const writes = intents.get(record.intent)
    if (writes === undefined) breaches.push(`record ${record.seq} ends an intent that is not open`)
    intents.delete(record.intent)
    for (const write of (writes ?? []).slice(0, record.applied)) follow(write)
    if ('settled' in record.subject) settled++
    if (record.result === 'unknown') breaches.push(`record ${record.seq} could not be settled`)
  })
  return { records: chain.next, signs, settled, open: intents.size, tail: tail.bytes, breaches }
}

/** Acknowledged signatures that the journal does not tell of, each exactly once. */
export function unrecordedSigns(requests: Iterable<string>, { signs }: JournalFacts): string[] {
  return [...requests].filter(request => signs.get(request) !== 1)
}
