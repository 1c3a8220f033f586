import { LRUCache } from 'lru-cache'
import type { CacheFigures } from './engine-api.ts'

/** An LRU cache with a time limit that counts how often it had the answer. */
export class CountedCache<Value extends object> {
  readonly #entries: LRUCache<string, Value>
  #hits = 0
  #misses = 0

  /** `size` limits the sum of the sizes given with each entry, or the number of entries where none is given. */
  constructor(limits: { readonly ttlMs: number } & ({ readonly entries: number } | { readonly size: number })) {
    const bound = 'entries' in limits ? { max: limits.entries } : { maxSize: limits.size }
    this.#entries = new LRUCache({ ...bound, ttl: limits.ttlMs })
  }

  /** The entry, when it is there and still good. */
  get(key: string, isGood: (value: Value) => boolean): Value | undefined {
    const value = this.#entries.get(key)
    const good = value !== undefined && isGood(value)
    if (good) this.#hits++
    else this.#misses++
    return good ? value : undefined
  }

  set(key: string, value: Value, size?: number): void {
    this.#entries.set(key, value, size === undefined ? {} : { size })
  }

  figures(): CacheFigures {
    return { hits: this.#hits, misses: this.#misses, entries: this.#entries.size }
  }
}
