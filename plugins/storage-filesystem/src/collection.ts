import type { Attributes } from '@warder/contract'
import type { FileName } from './file-name.ts'
import { compareUtf8 } from './utf8-order.ts'

/** What is kept in memory of each record: enough to compare revisions, to answer filters and to know its file again. */
export interface Entry {
  readonly revision: number
  readonly attributes: Attributes
  readonly digest: string
  /** Of the whole file. */
  readonly bytes: number
}

/** Stands among damaged files for all of a collection: something else is in place of its directory. */
export const wholeCollection = '.'

/** The records of one collection, in the order of their ids' UTF-8 bytes. Holds nothing that is not durable. */
export class Collection {
  readonly #entries: Map<string, Entry>
  readonly #ids: string[]
  readonly #damaged: ReadonlySet<string>

  /** `damaged` are the things found that are no records, by path below the collection. */
  constructor(entries = new Map<string, Entry>(), damaged: ReadonlySet<string> = new Set()) {
    this.#entries = entries
    this.#ids = [...entries.keys()].sort(compareUtf8)
    this.#damaged = damaged
  }

  get damagedFiles(): number {
    return this.#damaged.size
  }

  /** Whether something that is no record is where this one would be, so that nobody can tell if it exists. */
  isDamaged({ shard, name }: FileName): boolean {
    return [wholeCollection, shard, `${shard}/${name}`].some(path => this.#damaged.has(path))
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id)
  }

  set(id: string, entry: Entry): void {
    if (!this.#entries.has(id)) this.#ids.splice(this.#place(id), 0, id)
    this.#entries.set(id, entry)
  }

  delete(id: string): void {
    if (this.#entries.delete(id)) this.#ids.splice(this.#place(id), 1)
  }

  /** Those that follow the id, which need not be there itself. Not to be held across a change. */
  *after(id: string): Generator<readonly [string, Entry]> {
    let at = this.#place(id)
    if (this.#ids[at] === id) at += 1
    for (; at < this.#ids.length; at++) {
      const next = this.#ids[at] ?? ''
      const entry = this.#entries.get(next)
      if (entry) yield [next, entry]
    }
  }

  /** Where the id is, or would be put. */
  #place(id: string): number {
    let low = 0
    let high = this.#ids.length
    // ids often come in order
    if (high > 0 && compareUtf8(this.#ids[high - 1] ?? '', id) < 0) return high
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareUtf8(this.#ids[middle] ?? '', id) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
