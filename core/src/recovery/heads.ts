import type { JournalRecord } from '../audit/event.ts'
import type { JournalFiles } from '../audit/files.ts'
import { readVerifiedPart, type VerifiedPart } from '../audit/read.ts'
import { HeadIndex } from '../records/head-index.ts'
import { Replay } from '../records/recover.ts'
import type { JournalPoint } from './model.ts'

/** What a journal says of the records, as far as it can be verified. */
export interface JournalHeads {
  readonly heads: HeadIndex
  /** What records may hold besides, by changes whose outcome it does not tell; by `collection/id`. */
  readonly pending: ReadonlyMap<string, ReadonlySet<string | null>>
  readonly verified: VerifiedPart
  /** Where the verified part ends; `undefined` when there is none. */
  readonly end: JournalPoint | undefined
}

/**
 * Reads a journal without changing anything. `visit` gets every committed record that could be verified; the heads are those
 * at record `until`, or at the end.
 */
export async function readHeads(
  files: Pick<JournalFiles, 'list' | 'read'>,
  visit: (record: JournalRecord, hash: string) => void = () => undefined,
  until = Infinity,
): Promise<JournalHeads> {
  const heads = new HeadIndex()
  const replay = new Replay(heads)
  const verified = await readVerifiedPart(files, (record, hash) => {
    if (record.seq <= until) replay.visit(record)
    visit(record, hash)
  })
  const { origin, next, head, running } = verified.chain
  const end = origin === undefined ? undefined : { origin, seq: next - 1, hash: head, running }
  return { heads, pending: replay.pending(), verified, end }
}
