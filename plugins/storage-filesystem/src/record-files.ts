import { constants } from 'node:fs'
import { open, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoredRecord, WarderError } from '@warder/contract'
import { makeDirectory, syncDirectory, writeSynced } from './durable.ts'
import { damaged, errnoOf, unavailable } from './failures.ts'
import { fileNameOf, temporaryName } from './file-name.ts'
import type { DirectoryLock } from './lock.ts'
import { decodeRecord } from './record-file.ts'
import { Slots } from './slots.ts'

/** How many files are read at once: enough to keep the disk busy, few enough never to run out of descriptors. */
const readers = 16

/** The files below the directory of a store. Whoever calls sees to it that one record is written by one call at a time. */
export class RecordFiles {
  readonly #home: string
  readonly #lock: DirectoryLock
  readonly #onFailure: (error: WarderError) => void
  readonly #sync: typeof syncDirectory
  readonly #directories = new Map<string, Promise<void>>()
  readonly #reading = new Slots(readers)
  #written = 0
  #failure: WarderError | undefined

  /** `onFailure` is called once, when no write can succeed any more. */
  constructor(home: string, lock: DirectoryLock, onFailure: (error: WarderError) => void, sync = syncDirectory) {
    this.#home = home
    this.#lock = lock
    this.#onFailure = onFailure
    this.#sync = sync
  }

  /** Why no write can succeed any more; undefined while they can. */
  get failure(): WarderError | undefined {
    return this.#failure
  }

  /**
   * Durable when it resolves. When it rejects nothing was written, unless {@link failure} is set then.
   * @throws WarderError `storage-unavailable`
   */
  async write(collection: string, id: string, bytes: Uint8Array): Promise<void> {
    this.#ready()
    const { shard, name } = fileNameOf(id)
    const directory = await this.#directory(collection, shard)
    const temporary = join(directory, temporaryName(++this.#written))
    try {
      await writeSynced(temporary, bytes)
      await rename(temporary, join(directory, name))
    } catch (error) {
      await unlink(temporary).catch(() => undefined)
      throw refused(error)
    }
    await this.#settle(directory)
  }

  /** As {@link write}. */
  async remove(collection: string, id: string): Promise<void> {
    this.#ready()
    const { shard, name } = fileNameOf(id)
    const directory = join(this.#home, collection, shard)
    try {
      await unlink(join(directory, name))
    } catch (error) {
      throw refused(error)
    }
    await this.#settle(directory)
  }

  /**
   * The record in a file of this many bytes. Undefined when there is no file, or one of another length.
   * @throws WarderError `storage-unavailable`, naming the collection
   */
  async read(
    collection: string,
    id: string,
    bytes: number,
  ): Promise<{ digest: string; record: StoredRecord } | undefined> {
    const { shard, name } = fileNameOf(id)
    try {
      const content = await this.#reading.run(() => readExactly(join(this.#home, collection, shard, name), bytes))
      if (!content) return undefined
      const { header, record } = decodeRecord(content)
      return { digest: header.digest, record }
    } catch (cause) {
      if (errnoOf(cause) === 'ENOENT') return undefined
      throw damaged(collection, 'The file of a record cannot be read.', cause)
    }
  }

  #ready(): void {
    if (this.#failure) throw this.#failure
    if (!this.#lock.isInPlace()) throw unavailable('The directory of the store was moved or removed.')
  }

  /** Made once, with the collection's own. */
  async #directory(collection: string, shard: string): Promise<string> {
    const parent = join(this.#home, collection)
    const path = join(parent, shard)
    await this.#once(parent, this.#home)
    await this.#once(path, parent)
    return path
  }

  #once(path: string, parent: string): Promise<void> {
    const making = this.#directories.get(path) ?? this.#make(path, parent)
    this.#directories.set(path, making)
    making.catch(() => this.#directories.delete(path))
    return making
  }

  async #make(path: string, parent: string): Promise<void> {
    try {
      await makeDirectory(path)
    } catch (error) {
      throw refused(error)
    }
    await this.#settle(parent)
  }

  /** Makes a change of the directory durable. If that fails nobody knows what a crash would leave, and asking again can lie. */
  async #settle(directory: string): Promise<void> {
    try {
      await this.#sync(directory)
    } catch (cause) {
      const message = 'A directory could not be synced: the store takes no writes until it is opened anew.'
      const first = this.#failure === undefined
      this.#failure ??= unavailable(message, cause)
      if (first) this.#onFailure(this.#failure)
      throw this.#failure
    }
  }
}

async function readExactly(path: string, length: number): Promise<Uint8Array | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafeSlow(length + 1), 0, length + 1, 0)
    return bytesRead === length ? buffer.subarray(0, length) : undefined
  } finally {
    await file.close()
  }
}

function refused(cause: unknown): WarderError {
  const full = ['ENOSPC', 'EDQUOT'].includes(errnoOf(cause) ?? '')
  return unavailable(full ? 'The disk is full.' : 'The write failed, and nothing was changed.', cause)
}
