/**
 * Glossary
 * - *head*: the newest state of a record that the journal knows of. `digest` is SHA-256 over the sealed body, or `null`
 *   once the record was deleted.
 * - *head index*: all heads, rebuilt from the journal at start. Storage is held to it: what is older than its head, or
 *   missing, was taken away behind our back.
 */
export interface Head {
  readonly revision: number
  readonly digest: string | null
}

export class HeadIndex {
  readonly #collections = new Map<string, Map<string, Head>>()
  /** Ids in order, per collection; built when first listed, kept in order from then on. */
  readonly #ordered = new Map<string, string[]>()
  readonly #watchers = new Set<(collection: string, id: string) => void>()

  get(collection: string, id: string): Head | undefined {
    return this.#collections.get(collection)?.get(id)
  }

  /** True when the record exists: written, and not deleted since. */
  has(collection: string, id: string): boolean {
    return typeof this.get(collection, id)?.digest === 'string'
  }

  set(collection: string, id: string, head: Head): void {
    let heads = this.#collections.get(collection)
    if (heads === undefined) this.#collections.set(collection, (heads = new Map()))
    const ordered = this.#ordered.get(collection)
    if (ordered !== undefined) {
      const existed = this.has(collection, id)
      const at = lowerBound(ordered, id)
      if (head.digest === null && existed) ordered.splice(at, 1)
      if (head.digest !== null && !existed) ordered.splice(at, 0, id)
    }
    heads.set(id, head)
    for (const watcher of this.#watchers) watcher(collection, id)
  }

  /** How many records exist. */
  get size(): number {
    let size = 0
    for (const { head } of this.entries()) if (head.digest !== null) size++
    return size
  }

  collections(): readonly string[] {
    return [...this.#collections.keys()]
  }

  /** Every record there is or was, collection by collection. */
  *entries(): Generator<{ readonly collection: string; readonly id: string; readonly head: Head }> {
    for (const [collection, heads] of this.#collections) for (const [id, head] of heads) yield { collection, id, head }
  }

  /** Tells of every change from now on, until the answer is called. */
  watch(watcher: (collection: string, id: string) => void): () => void {
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  /** Up to `limit` ids that start with `prefix`, ascending, after `after` (exclusive) when given. */
  ids(collection: string, query: { prefix: string; after?: string | undefined; limit: number }): readonly string[] {
    const ordered = this.#order(collection)
    let at = lowerBound(ordered, query.after ?? query.prefix)
    if (query.after !== undefined && ordered[at] === query.after) at++
    const ids: string[] = []
    for (; ids.length < query.limit; at++) {
      const id = ordered[at]
      if (id === undefined || !id.startsWith(query.prefix)) break
      ids.push(id)
    }
    return ids
  }

  #order(collection: string): string[] {
    let ordered = this.#ordered.get(collection)
    if (ordered === undefined) {
      ordered = [...(this.#collections.get(collection) ?? [])]
        .filter(([, head]) => head.digest !== null)
        .map(([id]) => id)
      ordered.sort((a, b) => (a < b ? -1 : 1))
      this.#ordered.set(collection, ordered)
    }
    return ordered
  }
}

/** The first index whose element is not below `value`. */
function lowerBound(sorted: readonly string[], value: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] as string) < value) low = middle + 1
    else high = middle
  }
  return low
}
