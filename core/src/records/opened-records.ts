import { isDeepStrictEqual } from 'node:util'
import type { StoredRecord } from '@warder/contract'
import { LRUCache } from 'lru-cache'

/** What one sealed body was found to hold. */
interface Opened {
  readonly stored: StoredRecord
  /** SHA-256 of the sealed body. */
  readonly digest: string
  /** Frozen all the way down: every reader gets the same one. */
  readonly value: unknown
}

/** Bytes of sealed bodies whose contents are kept; what they hold takes a few times as much. */
const keptBytes = 4 * 1024 * 1024

/**
 * Remembers what sealed bodies were found to hold, so that a key in use is unsealed and parsed once and not for each use.
 * It stands for no read: storage is asked each time, and an entry counts only for a record that is the same in every
 * column, by the SHA-256 of its body, as the one that was opened.
 */
export class OpenedRecords {
  readonly #entries = new LRUCache<string, Opened>({
    maxSize: keptBytes,
    sizeCalculation: ({ stored }) => stored.body.length,
  })

  /** The value of this record, when it is exactly the one that was opened. `digest` is that of its body. */
  get(stored: StoredRecord, digest: string): { readonly value: unknown } | undefined {
    const opened = this.#entries.get(keyOf(stored))
    if (opened === undefined || opened.digest !== digest) return undefined
    const { id, collection, revision, attributes } = opened.stored
    const isSame = stored.id === id && stored.collection === collection && stored.revision === revision
    return isSame && isDeepStrictEqual(stored.attributes, attributes) ? opened : undefined
  }

  /** Keeps and freezes the value. */
  set(stored: StoredRecord, digest: string, value: unknown): void {
    this.#entries.set(keyOf(stored), { stored, digest, value: frozen(value) })
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
