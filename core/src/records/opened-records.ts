import { isDeepStrictEqual } from 'node:util'
import type { StoredRecord } from '@warder/contract'
import { LRUCache } from 'lru-cache'

/** What one sealed body was found to hold. */
export interface Opened {
  readonly stored: StoredRecord
  /** SHA-256 of the sealed body. */
  readonly digest: string
  /** Frozen all the way down: every reader gets the same one. */
  readonly value: unknown
}

interface Entry extends Opened {
  /** When storage was last asked for it and had it; `-Infinity` when it has to be asked. */
  seen: number
  /** Whether somebody is asking again, before it has to be. */
  renewing: boolean
}

/** For so long what storage had is taken to be there still, in milliseconds. */
export const recentMs = 100

/** From half of it on one use asks storage, so that the others need not. */
const renewMs = recentMs / 2

/** Bytes of sealed bodies whose contents are kept; what they hold takes a few times as much. */
const keptBytes = 4 * 1024 * 1024

/**
 * Remembers what sealed bodies were found to hold, so that a key in use is unsealed and parsed once and not for each use.
 * An entry counts only for a record that is the same in every column, by the SHA-256 of its body, as the one that was opened;
 * and by {@link recent} for a moment without asking storage (docs/decisions/0015-a-read-counts-for-a-moment.md). Times are
 * milliseconds that never go back.
 */
export class OpenedRecords {
  readonly #entries = new LRUCache<string, Entry>({
    maxSize: keptBytes,
    sizeCalculation: ({ stored }) => stored.body.length,
  })

  /** The value of this record, when it is exactly the one that was opened. `digest` is that of its body. */
  get(stored: StoredRecord, digest: string): Opened | undefined {
    const opened = this.#entries.get(keyOf(stored))
    if (opened === undefined || opened.digest !== digest) return undefined
    const { id, collection, revision, attributes } = opened.stored
    const isSame = stored.id === id && stored.collection === collection && stored.revision === revision
    return isSame && isDeepStrictEqual(stored.attributes, attributes) ? opened : undefined
  }

  /** Keeps and freezes the value. */
  set(stored: StoredRecord, digest: string, value: unknown): void {
    this.#entries.set(keyOf(stored), { stored, digest, value: frozen(value), seen: -Infinity, renewing: false })
  }

  /** What storage was seen to hold under this name, while that counts. Whether it is the newest there is is not said. */
  recent(collection: string, id: string, now: number): Opened | undefined {
    const entry = this.#entryOf(collection, id)
    if (entry === undefined) return undefined
    const age = now - entry.seen
    if (age >= recentMs) return undefined
    if (age < renewMs || entry.renewing) return entry
    entry.renewing = true
    return undefined
  }

  /** Storage, asked at this time, had the record that was opened last under this name. */
  saw(collection: string, id: string, at: number): void {
    const entry = this.#entryOf(collection, id)
    if (entry === undefined) return
    entry.seen = Math.max(entry.seen, at)
    entry.renewing = false
  }

  /** Storage has to be asked for it from now on. */
  doubt(collection: string, id: string): void {
    const entry = this.#entryOf(collection, id)
    if (entry !== undefined) entry.seen = -Infinity
  }

  #entryOf(collection: string, id: string): Entry | undefined {
    const entry = this.#entries.get(`${collection}/${id}`)
    return entry?.stored.id === id && entry.stored.collection === collection ? entry : undefined
  }
}

const keyOf = ({ collection, id }: StoredRecord): string => `${collection}/${id}`

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const member of Object.values(value)) frozen(member)
    Object.freeze(value)
  }
  return value
}
