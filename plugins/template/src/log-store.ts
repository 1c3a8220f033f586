import { open, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import {
  checkKey,
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
import { decodeLine, encodeLine } from './line.ts'
import { lock } from './lock.ts'
import { Records } from './records.ts'

/**
 * Opens the log, making it if there is none, and holds it until disposed of. When it rejects nothing is left open.
 * @throws WarderError `storage-unavailable` when it is open already, cannot be opened, or is damaged.
 */
export async function openLogStore(path: string, { log }: PluginHost, { signal }: Op): Promise<Store> {
  if (signal.aborted) throw cancelled()
  let file: FileHandle | undefined
  try {
    file = await open(path, 'a+', 0o600)
    await lock(file.fd)
    const records = new Records()
    const dropped = await replay(file, records)
    if (dropped > 0) log.warn('dropped the end of the log, which was never acknowledged', { bytes: dropped })
    await file.sync()
    await syncDirectory(dirname(path))
    if (signal.aborted) throw cancelled()
    return new LogStore(file, records)
  } catch (error) {
    await file?.close()
    throw WarderError.is(error) ? error : unavailable('The log cannot be opened.', error)
  }
}

class LogStore implements Store {
  readonly maxBodyBytes = 262_144
  readonly #file: FileHandle
  readonly #records: Records
  #last: Promise<unknown> = Promise.resolve()
  #failure: WarderError | undefined
  #closed: Promise<void> | undefined

  constructor(file: FileHandle, records: Records) {
    this.#file = file
    this.#records = records
  }

  async get(collection: string, id: string, op: Op): Promise<StoredRecord | undefined> {
    checkKey(collection, id)
    this.#ready(op)
    return this.#records.get(collection, id)
  }

  async query(collection: string, query: Query, op: Op): Promise<Page> {
    checkQuery(collection, query)
    this.#ready(op)
    return this.#records.page(collection, query)
  }

  async put(record: StoredRecord, expect: Expected, op: Op): Promise<void> {
    await this.batch([{ put: record, expect }], op)
  }

  async delete(collection: string, id: string, expect: number, op: Op): Promise<void> {
    await this.batch([{ delete: { collection, id }, expect }], op)
  }

  async batch(writes: readonly Write[], op: Op): Promise<void> {
    checkWrites(writes, this.maxBodyBytes)
    this.#ready(op)
    // a copy, made before anything is awaited: the caller may change what it gave
    const line = encodeLine(writes)
    const turn = this.#last.then(() => this.#append(line, op))
    this.#last = turn.catch(() => undefined)
    await turn
  }

  async health(): Promise<Health> {
    if (this.#closed) return { ok: false, detail: 'closed' }
    return this.#failure ? { ok: false, detail: this.#failure.message } : { ok: true, detail: 'open' }
  }

  /** Waits for the writes that were taken; a second call waits for the first. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#last.then(() => this.#file.close())
    return this.#closed
  }

  /** One at a time. What it did not append it never will. */
  async #append(line: string, { signal }: Op): Promise<void> {
    if (this.#failure) throw this.#failure
    if (signal.aborted) throw cancelled()
    const writes = decodeLine(line.slice(0, -1)) ?? []
    this.#records.expect(writes)
    try {
      await this.#file.appendFile(line)
      await this.#file.datasync()
    } catch (cause) {
      // half a line may be there, and a sync that failed may succeed next time without having written anything
      this.#failure = unavailable('A write failed: the store takes no more until it is opened anew.', cause)
      throw this.#failure
    }
    this.#records.apply(writes)
  }

  #ready({ signal }: Op): void {
    if (this.#closed) throw unavailable('The store is closed.')
    if (signal.aborted) throw cancelled()
  }
}

/**
 * Fills memory from the log and cuts off a last line that is not whole: its process died while it wrote it. Answers how
 * many bytes that were.
 */
async function replay(file: FileHandle, records: Records): Promise<number> {
  const content = await file.readFile()
  let start = 0
  for (let end = content.indexOf(10); end >= 0; end = content.indexOf(10, start)) {
    const writes = decodeLine(content.subarray(start, end).toString('utf8'))
    if (!writes) throw unavailable(`The log is damaged at byte ${start}.`)
    records.apply(writes)
    start = end + 1
  }
  await file.truncate(start)
  return content.length - start
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

function cancelled(): WarderError {
  return new WarderError('cancelled', 'The call was cancelled.')
}

function unavailable(message: string, cause?: unknown): WarderError {
  return new WarderError('storage-unavailable', message, { cause })
}
