import { type Op, type Store, type StoredRecord, WarderError } from '@warder/contract'
import type { Journal } from '../audit/journal.ts'
import type { ChainState } from '../audit/line.ts'
import { throwIfCancelled } from '../cancelled.ts'
import { distrust } from './distrust.ts'
import type { HeadIndex } from './head-index.ts'
import { digestOf } from './seal.ts'
import type { WriteGate } from './write-gate.ts'

/** The journal at the moment a copy is of: its last record is the last that the copy reflects. */
export interface CopyPoint {
  readonly journal: ChainState
  /** How many records exist at this moment. */
  readonly records: number
}

interface CopyParts {
  readonly store: Store
  readonly heads: HeadIndex
  readonly gate: WriteGate
  readonly journal: Journal
  /** Whether a change has an outcome that only a restart can tell. */
  unsettled(): boolean
}

interface Address {
  readonly collection: string
  readonly id: string
}

/** So many records are held in memory at a time. */
const pageRecords = 64
/** Changes are held back only when no more than this is left to read again. */
const pauseRecords = 256
const mostPasses = 64

/**
 * Copies every record while changes go on. What changes meanwhile is read again, pass by pass; for the last few, changes
 * are held back until they are read. A record may come more than once: the one whose digest is the journal's head at the
 * point that is answered is the record, and each such one has come by then.
 *
 * @throws WarderError `record-missing` or `record-rolled-back` when storage does not hold what the journal says,
 *   `over-capacity` when records change faster than they are taken, `storage-unavailable` while a change is unsettled
 */
export async function* copyRecords(
  { store, heads, gate, journal, unsettled }: CopyParts,
  op: Op,
): AsyncGenerator<StoredRecord, CopyPoint> {
  const again = new Map<string, Address>()
  const later = (collection: string, id: string): void => void again.set(`${collection}/${id}`, { collection, id })
  const stop = heads.watch(later)

  /** Those that are as the journal says. The others are noted, to be looked at again when nothing moves. */
  async function read(addresses: readonly Address[]): Promise<StoredRecord[]> {
    throwIfCancelled(op)
    const found = await Promise.all(addresses.map(({ collection, id }) => store.get(collection, id, op)))
    const good: StoredRecord[] = []
    for (const [at, { collection, id }] of addresses.entries()) {
      const stored = found[at]
      if (stored !== undefined && digestOf(stored.body) === heads.get(collection, id)?.digest) good.push(stored)
      else if (heads.has(collection, id)) later(collection, id)
    }
    return good
  }

  function take(): Address[][] {
    const addresses = [...again.values()].filter(({ collection, id }) => heads.has(collection, id))
    again.clear()
    return Array.from({ length: Math.ceil(addresses.length / pageRecords) }, (_, page) =>
      addresses.slice(page * pageRecords, (page + 1) * pageRecords),
    )
  }

  try {
    for (const collection of heads.collections()) {
      for (let ids = heads.ids(collection, { prefix: '', limit: pageRecords }); ids.length > 0;) {
        yield* await read(ids.map(id => ({ collection, id })))
        ids = heads.ids(collection, { prefix: '', after: ids.at(-1), limit: pageRecords })
      }
    }
    for (let pass = 0; again.size > pauseRecords; pass++) {
      if (pass === mostPasses) throw new WarderError('over-capacity', 'Records change faster than they are copied.')
      for (const page of take()) yield* await read(page)
    }
    const { last, point } = await gate.pause(async () => {
      if (unsettled()) {
        throw new WarderError('storage-unavailable', 'A change has an unknown outcome; a restart settles it.')
      }
      const pages: StoredRecord[][] = []
      for (const page of take()) pages.push(await read(page))
      for (const { collection, id } of again.values()) throw await explain(store, heads, { collection, id }, op)
      return { last: pages, point: { journal: journal.committed, records: heads.size } }
    })
    for (const page of last) yield* page
    return point
  } finally {
    stop()
  }
}

async function explain(store: Store, heads: HeadIndex, { collection, id }: Address, op: Op): Promise<WarderError> {
  const stored = await store.get(collection, id, op)
  if (stored === undefined) return distrust('record-missing', 'is gone from storage', collection, id)
  const expected = heads.get(collection, id)?.revision ?? 0
  const facts = { revision: stored.revision, expected }
  return distrust('record-rolled-back', 'is not the state the journal knows', collection, id, facts)
}
