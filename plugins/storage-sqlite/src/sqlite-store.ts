import {
  checkDelete,
  checkKey,
  checkPut,
  checkQuery,
  checkWrites,
  WarderError,
  type Expected,
  type Health,
  type Op,
  type Page,
  type PluginHost,
  type Query,
  type Store,
  type StoredRecord,
  type Write,
} from '@warder/contract'
import { cancelled, sqliteCode, unavailable } from './failures.ts'
import { ensurePrivateFile, resolveFile } from './file.ts'
import { holdLock, type Lock } from './lock.ts'
import { Reader } from './reader.ts'
import { WriteQueue, type QueueLimits } from './write-queue.ts'
import { plainWrite } from './write.ts'
import { startWriter } from './writer-thread.ts'

export interface SqliteLimits extends QueueLimits {
  /** The size at which the database counts as full, in pages of 4096 bytes. The disk's own when not given. */
  readonly maxPages?: number
}

const defaultLimits: SqliteLimits = {
  items: 4096,
  bytes: 67_108_864,
  groupItems: 256,
  groupBytes: 8_388_608,
}

/**
 * Opens the database, making it if there is none, and holds it until disposed of.
 * @throws WarderError `config-invalid` when its directory is missing or its file is not a regular one.
 * @throws WarderError `storage-unavailable` when it is open already, is not ours, or is newer than this code.
 */
export async function openSqliteStore(
  file: string,
  { log }: PluginHost,
  { signal }: Op,
  limits: SqliteLimits = defaultLimits,
): Promise<Store> {
  if (signal.aborted) throw cancelled()
  const path = resolveFile(file)
  // first, so that the files of a running store are not touched
  const lock = holdLock(path)
  try {
    ensurePrivateFile(path)
    const data = limits.maxPages === undefined ? { path } : { path, maxPages: limits.maxPages }
    const queue = new WriteQueue(await startWriter(data, signal), limits, error =>
      log.error('storage takes no more writes until it is opened anew', { reason: error.message }),
    )
    try {
      return new SqliteStore(lock, queue, new Reader(path))
    } catch (error) {
      await queue.close()
      throw error
    }
  } catch (error) {
    lock.release()
    throw WarderError.is(error) ? error : unavailable('The database cannot be opened.', error)
  }
}

class SqliteStore implements Store {
  readonly maxBodyBytes = 1_048_576
  readonly #lock: Lock
  readonly #queue: WriteQueue
  readonly #reader: Reader
  #closed: Promise<void> | undefined

  constructor(lock: Lock, queue: WriteQueue, reader: Reader) {
    this.#lock = lock
    this.#queue = queue
    this.#reader = reader
  }

  async get(collection: string, id: string, op: Op): Promise<StoredRecord | undefined> {
    checkKey(collection, id)
    return this.#read(op, reader => reader.get(collection, id))
  }

  async query(collection: string, query: Query, op: Op): Promise<Page> {
    checkQuery(collection, query)
    return this.#read(op, reader => reader.page(collection, query))
  }

  async put(record: StoredRecord, expect: Expected, op: Op): Promise<void> {
    checkPut(record, expect, this.maxBodyBytes)
    await this.#write([{ put: record, expect }], op)
  }

  async delete(collection: string, id: string, expect: number, op: Op): Promise<void> {
    checkDelete(collection, id, expect)
    await this.#write([{ delete: { collection, id }, expect }], op)
  }

  async batch(writes: readonly Write[], op: Op): Promise<void> {
    checkWrites(writes, this.maxBodyBytes)
    await this.#write(writes, op)
  }

  async health(): Promise<Health> {
    if (this.#closed) return { ok: false, detail: 'closed' }
    if (this.#queue.failure) return { ok: false, detail: this.#queue.failure.message }
    try {
      this.#reader.get('health', 'none')
    } catch (error) {
      return { ok: false, detail: `reading fails with ${sqliteCode(error) ?? 'an unknown error'}` }
    }
    return { ok: true, detail: `open, ${this.#queue.length} writes waiting, ${this.#queue.commits} commits made` }
  }

  /**
   * Waits for the writes that were taken, then closes the files and lets go of the lock. What it leaves is one file with all
   * that was written, unless the disk was full or another program has it open.
   */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    try {
      // before the writer is told, whose connection must be the last: the last one moves the log into the database, and one
      // that only reads cannot
      this.#reader.close()
    } finally {
      await this.#queue.close().finally(() => this.#lock.release())
    }
  }

  #read<T>(op: Op, read: (reader: Reader) => T): T {
    this.#ready(op)
    try {
      return read(this.#reader)
    } catch (error) {
      throw WarderError.is(error) ? error : unavailable('Reading from the database failed.', error)
    }
  }

  async #write(writes: readonly Write[], op: Op): Promise<void> {
    this.#ready(op)
    if (writes.length > 0) await this.#queue.submit(writes.map(plainWrite), op.signal)
  }

  #ready({ signal }: Op): void {
    if (this.#closed) throw unavailable('The store is closed.')
    if (signal.aborted) throw cancelled()
  }
}
