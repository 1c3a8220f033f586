import type { Op, Store, StoredRecord } from '@warder/contract'
import { digestOf } from '../records/seal.ts'
import { withKnown } from './collections.ts'
import type { JournalHeads } from './heads.ts'

/**
 * How a record in storage differs from its head in the journal: it is gone, of an earlier revision, of a later one, of the
 * same one with another content, or the journal knows of none.
 */
export const differences = ['missing', 'older', 'newer', 'changed', 'unknown'] as const
export type Difference = (typeof differences)[number]

export interface Compared {
  readonly collection: string
  readonly id: string
  readonly found: Difference | 'same'
  /** As storage has it; `undefined` when it is missing. */
  readonly stored?: StoredRecord
}

const pageRecords = 200

/** Every record that storage or the journal has, each once. Reads only. */
export async function* compareStore(
  store: Store,
  { heads, pending }: Pick<JournalHeads, 'heads' | 'pending'>,
  op: Op,
): AsyncGenerator<Compared> {
  const judge = (stored: StoredRecord): Compared => {
    const { collection, id, revision } = stored
    const head = heads.get(collection, id)
    const digest = digestOf(stored.body)
    const expected = digest === head?.digest || pending.get(`${collection}/${id}`)?.has(digest) === true
    if (expected) return { collection, id, found: 'same', stored }
    if (head?.digest == null) return { collection, id, found: 'unknown', stored }
    const found = revision < head.revision ? 'older' : revision > head.revision ? 'newer' : 'changed'
    return { collection, id, found, stored }
  }

  for (const collection of withKnown(heads.collections())) {
    const seen = new Set<string>()
    let after: string | undefined
    do {
      const page = await store.query(collection, { limit: pageRecords, ...(after !== undefined && { after }) }, op)
      for (const stored of page.records) {
        seen.add(stored.id)
        yield judge(stored)
      }
      after = page.next
    } while (after !== undefined)
    for (let ids = heads.ids(collection, { prefix: '', limit: pageRecords }); ids.length > 0;) {
      for (const id of ids) {
        if (seen.has(id)) continue
        const stored = await store.get(collection, id, op)
        if (stored !== undefined) yield judge(stored)
        else if (pending.get(`${collection}/${id}`)?.has(null) !== true) yield { collection, id, found: 'missing' }
      }
      ids = heads.ids(collection, { prefix: '', after: ids.at(-1), limit: pageRecords })
    }
  }
}
