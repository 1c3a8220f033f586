import { dirname, join } from 'node:path'
import { WarderError } from '@warder/contract'
import { type JournalPoint, type JournalRecord, previousOf, readHeads } from '@warder/core'
import { readJournalDirectory } from '../journal/journal-directory.ts'
import { archiveDirectory, filesIn } from './archive.ts'

export interface Predecessor extends JournalPoint {
  /**
   * `verified`: all of it is in the archive. `verified-part`: it is, up to that record, and damaged after it. `missing`: it is
   * not in the archive. `unknown`: nothing of it could be verified when its loss was accepted.
   */
  readonly status: 'verified' | 'verified-part' | 'missing' | 'unknown'
}

/**
 * The journals that came before one, newest first, each held to what the next one commits to.
 * @throws WarderError `journal-corrupt` when one in the archive does not lead there
 */
export async function verifyPredecessors(journal: string, genesis: JournalRecord): Promise<readonly Predecessor[]> {
  const archive = archiveDirectory(dirname(journal))
  const found: Predecessor[] = []
  for (let point = previousOf(genesis); point !== undefined;) {
    const { predecessor, first } = await verifyOne(archive, point)
    found.push(predecessor)
    point = first === undefined ? undefined : previousOf(first)
  }
  return found
}

async function verifyOne(
  archive: string,
  point: JournalPoint,
): Promise<{ readonly predecessor: Predecessor; readonly first?: JournalRecord | undefined }> {
  if (point.seq < 0) return { predecessor: { ...point, status: 'unknown' } }
  // A damaged one has something after its origin, so that its evidence never meets another of that name.
  const name = (await filesIn(archive)).find(each => each === point.origin || each.startsWith(`${point.origin}-`))
  if (name === undefined) return { predecessor: { ...point, status: 'missing' } }
  let first: JournalRecord | undefined
  const { end, verified } = await readHeads(readJournalDirectory(join(archive, name)), record => (first ??= record))
  const leadsThere =
    end?.origin === point.origin && end.seq === point.seq && end.hash === point.hash && end.running === point.running
  if (leadsThere) {
    return { predecessor: { ...point, status: verified.fault === undefined ? 'verified' : 'verified-part' }, first }
  }
  throw new WarderError(
    'journal-corrupt',
    `The archived journal ${name} does not end at record ${point.seq} as the journal after it says.`,
    { facts: { file: name, reason: 'does not match its successor' } },
  )
}
