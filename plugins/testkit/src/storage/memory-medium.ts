import type { StoredRecord } from '@warder/contract'

/**
 * Where memory stores keep records: what the disk is to the others. Give the same medium to a second `open` and it finds
 * what the first one wrote. A test may reach in to do what a faulty or hostile store does: lose, swap or roll back.
 */
export class MemoryMedium {
  readonly #collections = new Map<string, Map<string, StoredRecord>>()

  get(collection: string, id: string): StoredRecord | undefined {
    const record = this.#collections.get(collection)?.get(id)
    return record && copyOf(record)
  }

  /** Sets the record as given, whatever was there. */
  set(record: StoredRecord): void {
    const collection = this.#collections.get(record.collection) ?? new Map<string, StoredRecord>()
    this.#collections.set(record.collection, collection.set(record.id, copyOf(record)))
  }

  remove(collection: string, id: string): void {
    this.#collections.get(collection)?.delete(id)
  }

  ids(collection: string): string[] {
    return [...(this.#collections.get(collection)?.keys() ?? [])]
  }
}

/** Its members and no others: a store keeps what the contract names. */
function copyOf({ collection, id, revision, attributes, body }: StoredRecord): StoredRecord {
  return { collection, id, revision, attributes: structuredClone(attributes), body: new Uint8Array(body) }
}
