import type { Op, Store } from '@warder/contract'
import type { JournalRecord, WriteDigest } from '../audit/event.ts'
import type { Journal } from '../audit/journal.ts'
import type { HeadIndex } from './head-index.ts'
import { digestOf } from './seal.ts'

/** Rebuilds the head index from the journal's records, and keeps the intents that have no outcome. */
export class Replay {
  readonly #heads: HeadIndex
  readonly #open = new Map<number, JournalRecord>()

  constructor(heads: HeadIndex) {
    this.#heads = heads
  }

  visit(record: JournalRecord): void {
    if (record.phase === 'intent') this.#open.set(record.seq, record)
    if (record.phase === 'outcome' && record.intent !== undefined) {
      const intent = this.#open.get(record.intent)
      this.#open.delete(record.intent)
      apply(this.#heads, (intent?.writes ?? []).slice(0, record.applied))
    }
  }

  /** What records may hold by intents that no outcome ends, by `collection/id`: the digests after each such write. */
  pending(): ReadonlyMap<string, ReadonlySet<string | null>> {
    const pending = new Map<string, Set<string | null>>()
    for (const { writes = [] } of this.#open.values()) {
      for (const { collection, id, new: digest } of writes) {
        const name = `${collection}/${id}`
        pending.set(name, (pending.get(name) ?? new Set()).add(digest))
      }
    }
    return pending
  }

  /**
   * Ends each intent that a crash left open, by what storage holds: writes are made in order, so those whose new digest is
   * there were made. What matches neither side is left to the head index, which refuses it when it is read.
   */
  async settle(store: Store, journal: Journal, op: Op): Promise<number> {
    for (const intent of this.#open.values()) {
      const writes = intent.writes ?? []
      let applied = 0
      let result = 'settled'
      for (const write of writes) {
        const stored = await store.get(write.collection, write.id, op)
        const digest = stored === undefined ? null : digestOf(stored.body)
        if (digest !== write.new) {
          if (digest !== write.old) result = 'unknown'
          break
        }
        applied++
      }
      const { type, action, correlation, actor } = intent
      const draft = { type, action, correlation, actor, subject: { settled: `${applied} of ${writes.length}` }, result }
      await journal.outcome(draft, intent.seq, applied)
      apply(this.#heads, writes.slice(0, applied))
    }
    const settled = this.#open.size
    this.#open.clear()
    return settled
  }
}

function apply(heads: HeadIndex, writes: readonly WriteDigest[]): void {
  for (const { collection, id, revision, new: digest } of writes) heads.set(collection, id, { revision, digest })
}
