import {
  checkDelete,
  checkKey,
  checkPut,
  checkQuery,
  checkWrites,
  cursorAfter,
  idOfCursor,
  WarderError,
  type Attributes,
  type Expected,
  type Filter,
  type Health,
  type Op,
  type Page,
  type Query,
  type StandardResult,
  type StoragePlugin,
  type Store,
  type StoredRecord,
  type Write,
} from '@warder/contract'
import { MemoryMedium } from './memory-medium.ts'
import { compareUtf8 } from './utf8.ts'

export interface MemoryConfig {
  /** Without one the store starts empty and what it holds goes with it. */
  readonly medium?: MemoryMedium
}

/**
 * The storage contract in memory, for tests and as the smallest example. Nothing outlives the process; everything else
 * is as the contract says.
 */
export const memoryStorage: StoragePlugin<MemoryConfig> = {
  kind: 'storage',
  name: 'memory',
  version: '0.1.0',
  contract: 1,
  supports: { atomicBatch: true, shared: true },
  config: { '~standard': { version: 1, vendor: 'warder', validate: parseConfig } },
  open: async ({ medium = new MemoryMedium() }, _host, { signal }) => {
    if (signal.aborted) throw cancelled()
    return new MemoryStore(medium)
  },
}

function parseConfig(value: unknown): StandardResult<MemoryConfig> {
  if (typeof value !== 'object' || value === null) return { issues: [{ message: 'must be an object' }] }
  const unknown = Object.keys(value).find(key => key !== 'medium')
  if (unknown !== undefined) return { issues: [{ message: 'unknown key', path: [unknown] }] }
  const medium = 'medium' in value ? value.medium : undefined
  if (medium === undefined) return { value: {} }
  if (medium instanceof MemoryMedium) return { value: { medium } }
  return { issues: [{ message: 'must be a MemoryMedium', path: ['medium'] }] }
}

class MemoryStore implements Store {
  readonly maxBodyBytes = 1_048_576
  readonly #medium: MemoryMedium
  #open = true

  constructor(medium: MemoryMedium) {
    this.#medium = medium
  }

  async get(collection: string, id: string, op: Op): Promise<StoredRecord | undefined> {
    checkKey(collection, id)
    this.#ready(op)
    return this.#medium.get(collection, id)
  }

  async put(record: StoredRecord, expect: Expected, op: Op): Promise<void> {
    checkPut(record, expect, this.maxBodyBytes)
    this.#ready(op)
    this.#expect(record, expect)
    this.#medium.set(record)
  }

  async delete(collection: string, id: string, expect: number, op: Op): Promise<void> {
    checkDelete(collection, id, expect)
    this.#ready(op)
    this.#expect({ collection, id }, expect)
    this.#medium.remove(collection, id)
  }

  async query(collection: string, query: Query, op: Op): Promise<Page> {
    checkQuery(collection, query)
    this.#ready(op)
    const after = query.after === undefined ? '' : idOfCursor(query.after)
    const records: StoredRecord[] = []
    for (const id of this.#medium.ids(collection).sort(compareUtf8)) {
      if (compareUtf8(id, after) <= 0) continue
      const record = this.#medium.get(collection, id)
      if (!record || !matches(record.attributes, query.where ?? {})) continue
      if (records.length === query.limit) return { records, next: cursorAfter(records.at(-1)?.id ?? '') }
      records.push(record)
    }
    return { records }
  }

  async batch(writes: readonly Write[], op: Op): Promise<void> {
    checkWrites(writes, this.maxBodyBytes)
    this.#ready(op)
    const undo: (() => void)[] = []
    try {
      for (const write of writes) undo.push(this.#apply(write))
    } catch (error) {
      for (const step of undo.reverse()) step()
      throw error
    }
  }

  async health(): Promise<Health> {
    return this.#open ? { ok: true, detail: 'in memory' } : { ok: false, detail: 'closed' }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#open = false
  }

  #ready({ signal }: Op): void {
    if (!this.#open) throw new WarderError('storage-unavailable', 'The store is closed.')
    if (signal.aborted) throw cancelled()
  }

  #expect(key: { collection: string; id: string }, expect: Expected): void {
    if ((this.#medium.get(key.collection, key.id)?.revision ?? 'absent') === expect) return
    throw new WarderError('stale-revision', 'The record is not at the expected revision.', {
      facts: { collection: key.collection, expected: expect },
    })
  }

  #apply(write: Write): () => void {
    const key = 'put' in write ? write.put : write.delete
    this.#expect(key, write.expect)
    const before = this.#medium.get(key.collection, key.id)
    if ('put' in write) this.#medium.set(write.put)
    else this.#medium.remove(key.collection, key.id)
    return () => (before ? this.#medium.set(before) : this.#medium.remove(key.collection, key.id))
  }
}

function matches(attributes: Attributes, where: Filter): boolean {
  return Object.entries(where).every(([name, wanted]) => {
    const value = Object.hasOwn(attributes, name) ? attributes[name] : undefined
    return Array.isArray(value) ? value.includes(wanted) : value === wanted
  })
}

function cancelled(): WarderError {
  return new WarderError('cancelled', 'The call was cancelled.')
}
