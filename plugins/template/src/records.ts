import { WarderError, type Filter, type Page, type Query, type StoredRecord, type Write } from '@warder/contract'

/** Everything that is durable, in memory. Does no I/O. */
export class Records {
  readonly #collections = new Map<string, Map<string, StoredRecord>>()

  get(collection: string, id: string): StoredRecord | undefined {
    const found = this.#collections.get(collection)?.get(id)
    // the caller may change what it is given
    return found && structuredClone(found)
  }

  /** @throws WarderError `stale-revision` when one of the writes does not find what it expects, seeing those before it. */
  expect(writes: readonly Write[]): void {
    const revisions = new Map<string, number | 'absent'>()
    for (const write of writes) {
      const { collection, id } = 'put' in write ? write.put : write.delete
      const key = `${collection}/${id}`
      const current = revisions.get(key) ?? this.#collections.get(collection)?.get(id)?.revision ?? 'absent'
      if (current !== write.expect) throw new WarderError('stale-revision', 'A record is not at the expected revision.')
      revisions.set(key, 'put' in write ? write.put.revision : 'absent')
    }
  }

  apply(writes: readonly Write[]): void {
    for (const write of writes) {
      const { collection, id } = 'put' in write ? write.put : write.delete
      const records = this.#collections.get(collection) ?? new Map<string, StoredRecord>()
      this.#collections.set(collection, records)
      if ('put' in write) records.set(id, write.put)
      else records.delete(id)
    }
  }

  /** Sorts everything for each page: good for thousands of records, and not for more. */
  page(collection: string, { where = {}, after, limit }: Query): Page {
    const from = after === undefined ? Buffer.alloc(0) : bytesOfCursor(after)
    const following = [...(this.#collections.get(collection)?.values() ?? [])]
      .filter(record => matches(record, where))
      .map(record => ({ record, bytes: Buffer.from(record.id) }))
      .filter(({ bytes }) => Buffer.compare(bytes, from) > 0)
      .sort((left, right) => Buffer.compare(left.bytes, right.bytes))
    const page = following.slice(0, limit)
    const records = page.map(({ record }) => structuredClone(record))
    const last = page.at(-1)
    return last && page.length < following.length ? { records, next: last.bytes.toString('base64url') } : { records }
  }
}

/** A cursor is the last id of a page, so that it needs no memory and outlives the record and the process. */
function bytesOfCursor(cursor: string): Buffer {
  const bytes = Buffer.from(cursor, 'base64url')
  if (bytes.length > 0 && bytes.toString('base64url') === cursor) return bytes
  throw new WarderError('malformed-request', 'The cursor is not one that this store made.')
}

function matches({ attributes }: StoredRecord, where: Filter): boolean {
  return Object.entries(where).every(([name, wanted]) => {
    // attributes may be named `__proto__` or `constructor`
    const value = Object.hasOwn(attributes, name) ? attributes[name] : undefined
    return Array.isArray(value) ? value.includes(wanted) : value === wanted
  })
}
