import { type Op, type Store, type StoredRecord, WarderError, type Write } from '@warder/contract'
import { HeadIndex } from '../records/head-index.ts'
import { digestOf } from '../records/seal.ts'
import { withKnown } from './collections.ts'

/** A store takes so many writes at once. */
const batchWrites = 256

/**
 * Puts records of a backup into a store, those whose digest is their head; the others were changed before the backup ended.
 * It may be run again after a crash: what is there already is kept. A store counts the revisions of a record from 1, so
 * each is written up to the revision that its seal names.
 *
 * @returns how many records were put or found there
 * @throws WarderError `already-initialised` when the store holds something else under the name of a record,
 *   `backup-damaged` when a record of the journal has not come
 */
export async function restoreRecords(
  store: Store,
  heads: HeadIndex,
  records: AsyncIterable<StoredRecord>,
  op: Op,
  progress: (restored: number) => void = () => undefined,
): Promise<number> {
  const done = new HeadIndex()
  let restored = 0
  for await (const record of records) {
    const { collection, id, body, revision } = record
    const head = heads.get(collection, id)
    const digest = digestOf(body)
    if (digest !== head?.digest || revision !== head.revision || done.has(collection, id)) continue
    await raise(store, record, digest, op)
    done.set(collection, id, { revision, digest })
    progress(++restored)
  }
  for (const { collection, id, head } of heads.entries()) {
    if (head.digest === null || done.has(collection, id)) continue
    throw new WarderError('backup-damaged', `The record ${collection}/${id} is in the journal and not in the backup.`, {
      facts: { collection, id },
    })
  }
  return restored
}

async function raise(store: Store, record: StoredRecord, digest: string, op: Op): Promise<void> {
  const { collection, id, revision: wanted } = record
  const found = await store.get(collection, id, op)
  if (found !== undefined && (digestOf(found.body) !== digest || found.revision > wanted)) {
    throw new WarderError(
      'already-initialised',
      `Storage holds another ${collection}/${id}: restore into an empty one.`,
      {
        facts: { collection, id },
      },
    )
  }
  const writes: Write[] = []
  for (let revision = found?.revision ?? 0; revision < wanted; revision++) {
    writes.push({ put: { ...record, revision: revision + 1 }, expect: revision === 0 ? 'absent' : revision })
  }
  for (let at = 0; at < writes.length; at += batchWrites) await write(store, writes.slice(at, at + batchWrites), op)
}

async function write(store: Store, writes: readonly Write[], op: Op): Promise<void> {
  if (store.batch !== undefined && writes.length > 1) return store.batch(writes, op)
  for (const each of writes) if ('put' in each) await store.put(each.put, each.expect, op)
}

/** @throws WarderError `already-initialised` when there is a record in the store, of any collection that could be known */
export async function requireEmptyStore(store: Store, heads: HeadIndex, op: Op): Promise<void> {
  for (const collection of withKnown(heads.collections())) {
    const { records } = await store.query(collection, { limit: 1 }, op)
    if (records.length > 0) {
      throw new WarderError('already-initialised', 'Storage holds records: a backup is restored into an empty one.')
    }
  }
}
