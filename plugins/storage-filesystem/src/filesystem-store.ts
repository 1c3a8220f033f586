import {
  checkDelete,
  checkKey,
  checkPut,
  checkQuery,
  idOfCursor,
  WarderError,
  type Expected,
  type Health,
  type Op,
  type Page,
  type PluginHost,
  type Query,
  type Store,
  type StoredRecord,
} from '@warder/contract'
import { Collection } from './collection.ts'
import { cancelled, damaged, unavailable } from './failures.ts'
import { fileNameOf } from './file-name.ts'
import { recogniseHome, resolveHome } from './home.ts'
import { holdLock, type DirectoryLock } from './lock.ts'
import { select, wants } from './page.ts'
import { encodeRecord } from './record-file.ts'
import { RecordFiles } from './record-files.ts'
import { scan } from './scan.ts'
import { WriteQueue, type QueueLimits } from './write-queue.ts'

const limits: QueueLimits = {
  items: 4096,
  bytes: 67_108_864,
  // one less than Node's usual pool of four threads, so that a read need not wait for a sync
  width: 3,
}

/**
 * Opens the directory, making it if there is none, reads what is in it and holds it until disposed of.
 * @throws WarderError `config-invalid` when the directory cannot be made or entered.
 * @throws WarderError `storage-unavailable` when it is open already, or holds something else than a store.
 */
export async function openFilesystemStore(directory: string, { log }: PluginHost, op: Op): Promise<Store> {
  if (op.signal.aborted) throw cancelled()
  const home = await resolveHome(directory)
  let lock: DirectoryLock | undefined
  try {
    lock = await holdLock(home)
    await recogniseHome(home)
    const collections = await scan(home, op)
    for (const [collection, { damagedFiles }] of collections) {
      if (damagedFiles > 0) log.error('storage holds files that are no records', { collection, files: damagedFiles })
    }
    const files = new RecordFiles(home, lock, error =>
      log.error('storage takes no more writes until it is opened anew', { reason: error.message }),
    )
    if (op.signal.aborted) throw cancelled()
    return new FilesystemStore(lock, files, collections, new WriteQueue(limits))
  } catch (error) {
    await lock?.release()
    throw WarderError.is(error) ? error : unavailable('The directory cannot be opened.', error)
  }
}

class FilesystemStore implements Store {
  readonly maxBodyBytes = 1_048_576
  readonly #lock: DirectoryLock
  readonly #files: RecordFiles
  /** What is durable. A write enters here when it is. */
  readonly #collections: Map<string, Collection>
  readonly #queue: WriteQueue
  #closed: Promise<void> | undefined

  constructor(lock: DirectoryLock, files: RecordFiles, collections: Map<string, Collection>, queue: WriteQueue) {
    this.#lock = lock
    this.#files = files
    this.#collections = collections
    this.#queue = queue
  }

  async get(collection: string, id: string, op: Op): Promise<StoredRecord | undefined> {
    checkKey(collection, id)
    this.#ready(op)
    return this.#read(collection, id)
  }

  async put(record: StoredRecord, expect: Expected, op: Op): Promise<void> {
    checkPut(record, expect, this.maxBodyBytes)
    this.#ready(op)
    const { header, bytes } = encodeRecord(record)
    const { collection, id, revision, attributes, digest } = header
    await this.#queue.run({ key: keyOf(collection, id), bytes: bytes.length, signal: op.signal }, async () => {
      this.#expect(collection, id, expect)
      await this.#files.write(collection, id, bytes)
      const records = this.#collections.get(collection) ?? new Collection()
      this.#collections.set(collection, records)
      records.set(id, { revision, attributes, digest, bytes: bytes.length })
    })
  }

  async delete(collection: string, id: string, expect: number, op: Op): Promise<void> {
    checkDelete(collection, id, expect)
    this.#ready(op)
    await this.#queue.run({ key: keyOf(collection, id), bytes: 0, signal: op.signal }, async () => {
      this.#expect(collection, id, expect)
      await this.#files.remove(collection, id)
      this.#collections.get(collection)?.delete(id)
    })
  }

  async query(collection: string, query: Query, op: Op): Promise<Page> {
    checkQuery(collection, query)
    this.#ready(op)
    const after = query.after === undefined ? '' : idOfCursor(query.after)
    const records = this.#collections.get(collection)
    if (!records) return { records: [] }
    if (records.damagedFiles > 0) {
      throw damaged(
        collection,
        'A collection holds files that are no records: remove or restore them, then start anew.',
      )
    }
    const { ids, next } = select(records.after(after), query)
    const found = await Promise.all(ids.map(id => this.#read(collection, id)))
    // one may have changed since it was selected
    return { records: found.flatMap(record => (record && wants(query, record.attributes) ? [record] : [])), ...next }
  }

  async health(): Promise<Health> {
    if (this.#closed) return { ok: false, detail: 'closed' }
    if (this.#files.failure) return { ok: false, detail: this.#files.failure.message }
    if (!this.#lock.isInPlace()) return { ok: false, detail: 'the directory was moved or removed' }
    const spoilt = [...this.#collections].filter(([, { damagedFiles }]) => damagedFiles > 0).map(([name]) => name)
    if (spoilt.length > 0) return { ok: false, detail: `files that are no records are in ${spoilt.join(', ')}` }
    return { ok: true, detail: `open, ${this.#queue.length} writes waiting` }
  }

  /** Waits for the writes that were taken, then lets go of the lock. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#queue.close().then(() => this.#lock.release())
    return this.#closed
  }

  /**
   * The record as it is in memory's list, read from its file. A write under way replaces the file before the list, so a
   * file that is not the one listed is read again once that write has ended.
   */
  async #read(collection: string, id: string): Promise<StoredRecord | undefined> {
    for (;;) {
      const entry = this.#entry(collection, id)
      if (!entry) return undefined
      const found = await this.#files.read(collection, id, entry.bytes)
      if (found?.digest === entry.digest) return found.record
      const writing = this.#queue.underWay(keyOf(collection, id))
      if (writing) await writing
      else if (this.#entry(collection, id) === entry) {
        throw damaged(collection, 'The file of a record is gone or is not the one that was written.')
      }
    }
  }

  #expect(collection: string, id: string, expect: Expected): void {
    if ((this.#entry(collection, id)?.revision ?? 'absent') === expect) return
    throw new WarderError('stale-revision', 'The record is not at the revision that the write expects.', {
      facts: { collection },
    })
  }

  #entry(collection: string, id: string) {
    const records = this.#collections.get(collection)
    if (records && records.damagedFiles > 0 && records.isDamaged(fileNameOf(id))) {
      throw damaged(collection, 'The file of a record is torn, or is not one of this store.')
    }
    return records?.get(id)
  }

  #ready({ signal }: Op): void {
    if (this.#closed) throw unavailable('The store is closed.')
    if (signal.aborted) throw cancelled()
  }
}

/** No collection holds a slash. */
function keyOf(collection: string, id: string): string {
  return `${collection}/${id}`
}
