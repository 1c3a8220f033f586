import type { EventDraft, WriteDigest } from '../audit/event.ts'
import { Journal, type JournalContext } from '../audit/journal.ts'
import { type HeadIndex } from '../records/head-index.ts'
import type { JournalPoint } from './model.ts'

export interface Succession {
  readonly origin: string
  /** Where the journal before ends, as far as it was verified. */
  readonly previous: JournalPoint
  readonly by: 'restore' | 'accept-loss'
  /** More for the first record to say. */
  readonly told: EventDraft['subject']
}

/** Adopted records in one journal record: it has room for 65,535 bytes. */
const adoptedBytes = 48_000

/**
 * Writes a new journal that follows another: its first record commits to where that one ends, the next ones adopt every
 * record of `heads`, so that storage is held to them from now on. All of it is durable when it resolves.
 */
export async function openNewOrigin(
  context: JournalContext,
  { origin, previous, by, told }: Succession,
  heads: HeadIndex,
): Promise<void> {
  const journal = await Journal.create(context, origin, { ...told, previous, by })
  try {
    for (const writes of lots(heads)) {
      const draft = { type: 'system', action: 'journal:adopt', correlation: by, actor: 'system' } as const
      const subject = { count: writes.length }
      const { seq } = await journal.intent({ ...draft, subject, result: 'pending' }, writes)
      await journal.outcome({ ...draft, subject, result: 'ok' }, seq, writes.length)
    }
  } finally {
    await journal.close()
  }
}

function* lots(heads: HeadIndex): Generator<readonly WriteDigest[]> {
  let lot: WriteDigest[] = []
  let bytes = 0
  for (const { collection, id, head } of heads.entries()) {
    if (head.digest === null) continue
    const write = { collection, id, revision: head.revision, old: null, new: head.digest }
    const size = Buffer.byteLength(JSON.stringify(write)) + 1
    if (bytes + size > adoptedBytes) {
      yield lot
      lot = []
      bytes = 0
    }
    lot.push(write)
    bytes += size
  }
  if (lot.length > 0) yield lot
}
