import { type Attributes, type Expected, type Op, type Store, type StoredRecord, WarderError } from '@warder/contract'
import canonicalize from 'canonicalize'
import type { z } from 'zod'
import type { EventDraft, WriteDigest } from '../audit/event.ts'
import type { Journal } from '../audit/journal.ts'
import type { HeadIndex } from './head-index.ts'
import { throwIfCancelled } from '../cancelled.ts'
import { copyRecords, type CopyPoint } from './copy.ts'
import { distrust } from './distrust.ts'
import { KeyedLock } from './keyed-lock.ts'
import { openSealed } from './open-sealed.ts'
import { type Opened, OpenedRecords } from './opened-records.ts'
import { corrupt, digestOf, seal, type SealingKeys, unseal } from './seal.ts'
import { WriteGate } from './write-gate.ts'

/** One kind of record: where it lives, what it holds, and which of that storage may see to answer queries. */
export interface Collection<T> {
  readonly name: string
  readonly schema: z.ZodType<T>
  attributes(value: T): Attributes
}

export interface Versioned<T> {
  readonly value: T
  readonly revision: number
}

/** A change of one record. `expect` is the revision it was read at; without `content` the record is deleted. */
export interface Change {
  readonly collection: string
  readonly id: string
  readonly expect: Expected
  readonly content?: { readonly attributes: Attributes; readonly plaintext: Uint8Array }
}

export function change<T>(collection: Collection<T>, id: string, expect: Expected, value: T): Change {
  const attributes = collection.attributes(value)
  const plaintext = Buffer.from(canonicalize({ attributes, value }) as string)
  return { collection: collection.name, id, expect, content: { attributes, plaintext } }
}

export const removal = (collection: Collection<unknown>, id: string, expect: number): Change => ({
  collection: collection.name,
  id,
  expect,
})

/** A change with what it will put into storage; no body is a deletion. */
interface Sealed {
  readonly change: Change
  readonly digest: WriteDigest
  readonly body?: Uint8Array
}

/**
 * The repository all others use. It seals what it stores, journals every change before and after it is made, and holds
 * what it reads to the journal's head index.
 */
export class Repository {
  readonly #store: Store
  readonly #journal: Journal
  readonly #keys: SealingKeys
  readonly #heads: HeadIndex
  readonly #locks = new KeyedLock()
  readonly #opened = new OpenedRecords()
  readonly #gate = new WriteGate()
  /** Digests being written now, by `collection/id`: storage may already show them while the outcome is not yet durable. */
  readonly #inFlight = new Map<string, string | null>()
  readonly #clock: () => number

  /** `clock` tells milliseconds that never go back; the process's own unless told. */
  constructor(parts: {
    store: Store
    journal: Journal
    keys: SealingKeys
    heads: HeadIndex
    clock?: (() => number) | undefined
  }) {
    this.#clock = parts.clock ?? (() => performance.now())
    this.#store = parts.store
    this.#journal = parts.journal
    this.#keys = parts.keys
    this.#heads = parts.heads
  }

  /** Whether the record exists, by the journal; costs no I/O. */
  has(collection: Collection<unknown>, id: string): boolean {
    return this.#heads.has(collection.name, id)
  }

  /** The revision of an existing record, by the journal; costs no I/O. */
  revision(collection: Collection<unknown>, id: string): number | undefined {
    const head = this.#heads.get(collection.name, id)
    return head?.digest == null ? undefined : head.revision
  }

  /** Ids of existing records in order, by the journal: storage cannot leave one out unnoticed. */
  ids(
    collection: Collection<unknown>,
    query: { prefix: string; after?: string | undefined; limit: number },
  ): readonly string[] {
    return this.#heads.ids(collection.name, query)
  }

  /**
   * The newest state of a record, `undefined` when the journal knows of none. Values are shared and frozen.
   * @throws WarderError `record-missing`, `record-rolled-back` or `record-corrupt`, naming the record, when storage does
   *   not hold what the journal says was written.
   */
  async read<T>(collection: Collection<T>, id: string, op: Op): Promise<Versioned<T> | undefined> {
    try {
      return await this.#read(collection, id, op)
    } catch (error) {
      this.#opened.doubt(collection.name, id)
      throw error
    }
  }

  /**
   * As {@link read}, for a use of what the record tells: when storage had it less than {@link recentMs} ago and the journal
   * knows of no other state since, it is not asked again. A change takes effect at once; that storage has lost the record or
   * put it back is noticed that much later.
   */
  async readToUse<T>(collection: Collection<T>, id: string, op: Op): Promise<Versioned<T> | undefined> {
    const recent = this.#opened.recent(collection.name, id, this.#clock())
    if (recent === undefined || !this.#isNewest(recent)) return this.read(collection, id, op)
    throwIfCancelled(op)
    return { value: recent.value as T, revision: recent.stored.revision }
  }

  /** Whether this is the state that the journal knows, and no other is on its way. */
  #isNewest({ stored: { collection, id }, digest }: Opened): boolean {
    const isChanging = this.#inFlight.size > 0 && this.#inFlight.has(lockKey(collection, id))
    return !isChanging && this.#heads.get(collection, id)?.digest === digest
  }

  async #read<T>(collection: Collection<T>, id: string, op: Op): Promise<Versioned<T> | undefined> {
    for (;;) {
      const head = this.#heads.get(collection.name, id)
      const wasAbsent = head?.digest == null
      // One that is being made may be there already, and another record that is there may point at it.
      if (wasAbsent && this.#inFlight.get(lockKey(collection.name, id)) == null) return undefined
      const asked = this.#clock()
      const stored = await this.#store.get(collection.name, id, op)
      // A change that finished while we read makes a right answer look old: read again.
      if (this.#heads.get(collection.name, id) !== head) continue
      const coming = this.#inFlight.get(lockKey(collection.name, id))
      if (stored === undefined && (wasAbsent || coming === null)) return undefined
      if (stored === undefined) throw distrust('record-missing', 'is gone from storage', collection.name, id)
      const digest = digestOf(stored.body)
      if (digest !== head?.digest && digest !== coming) this.#explainMismatch(stored, head?.revision ?? 0)
      if (stored.collection !== collection.name || stored.id !== id)
        throw corrupt({ collection: collection.name, id }, 'id')
      const found = this.#opening(collection, id, stored, digest)
      this.#opened.saw(collection.name, id, asked)
      return found
    }
  }

  /**
   * The same for a record that storage has given already, such as one of a page. `undefined` when it is not the state the
   * journal knows, for whatever reason: {@link read} tells.
   * @throws WarderError `record-corrupt`
   */
  found<T>(collection: Collection<T>, stored: StoredRecord): Versioned<T> | undefined {
    const { id } = stored
    const digest = digestOf(stored.body)
    if (stored.collection !== collection.name || digest !== this.#heads.get(collection.name, id)?.digest)
      return undefined
    return this.#opening(collection, id, stored, digest)
  }

  #opening<T>(collection: Collection<T>, id: string, stored: StoredRecord, digest: string): Versioned<T> {
    const known = this.#opened.get(stored, digest)
    if (known !== undefined) return { value: known.value as T, revision: stored.revision }
    const value = this.open(collection, id, stored)
    this.#opened.set(stored, digest, value)
    return { value, revision: stored.revision }
  }

  /** What a stored record holds. @throws WarderError `record-corrupt` unless this appliance wrote it as the one of this id */
  open<T>(collection: Collection<T>, id: string, stored: StoredRecord): T {
    return openRecord(this.#keys, collection, id, stored)
  }

  /**
   * Every record as storage holds it, for a backup, while changes go on; see {@link copyRecords}. Storage cannot leave one
   * out: what exists is taken from the journal.
   */
  copy(op: Op): AsyncGenerator<StoredRecord, CopyPoint> {
    const parts = { store: this.#store, heads: this.#heads, gate: this.#gate, journal: this.#journal }
    return copyRecords({ ...parts, unsettled: () => this.#inFlight.size > 0 }, op)
  }

  /** As {@link read}, for a record that must be there. */
  async require<T>(collection: Collection<T>, id: string, op: Op): Promise<Versioned<T>> {
    return required(await this.read(collection, id, op), collection, id)
  }

  /** As {@link readToUse}, for a record that must be there. */
  async requireToUse<T>(collection: Collection<T>, id: string, op: Op): Promise<Versioned<T>> {
    return required(await this.readToUse(collection, id, op), collection, id)
  }

  /** Runs `work` while no other change of this record runs. */
  exclusive<T>(collection: Collection<unknown>, id: string, work: () => Promise<T>): Promise<T> {
    return this.#locks.run(lockKey(collection.name, id), work)
  }

  /**
   * Makes changes in order, each durable before the next: intent in the journal, the writes, outcome in the journal. When
   * it resolves, all of them are durable and journaled. When it rejects, the outcome says how many were made. A crash in
   * between, or storage that cannot even be read back, leaves the intent open: the next start settles it, and until then
   * the record takes no other change. Call it inside {@link exclusive} for each record that others may change.
   */
  write(draft: EventDraft, changes: readonly Change[], op: Op): Promise<void> {
    return this.#gate.pass(() => this.#write(draft, changes, op))
  }

  async #write(draft: EventDraft, changes: readonly Change[], op: Op): Promise<void> {
    const sealed = changes.map(each => this.#seal(each))
    throwIfCancelled(op)
    const digests = sealed.map(({ digest }) => digest)
    const intent = await this.#journal.intent({ ...draft, result: 'pending' }, digests)

    // From here on the change is under way: it runs to its outcome even when the caller has gone.
    const underWay: Op = { signal: new AbortController().signal }
    let applied = 0
    try {
      for (const each of sealed) {
        this.#inFlight.set(lockKey(each.digest.collection, each.digest.id), each.digest.new)
        await this.#apply(each, underWay)
        applied++
      }
    } catch (error) {
      applied += await this.#sawThrough(digests[applied], underWay)
      if (applied < sealed.length) {
        await this.#finish(draft, intent.seq, digests, applied, WarderError.is(error) ? error.code : 'internal')
        throw error
      }
    }
    await this.#finish(draft, intent.seq, digests, applied, draft.result)
  }

  /** Checks what a change expects against the head, and seals what it writes. */
  #seal(each: Change): Sealed {
    const { collection, id, expect, content } = each
    if (this.#inFlight.has(lockKey(collection, id))) {
      const message = 'An earlier change of this record has an unknown outcome; a restart settles it.'
      throw new WarderError('storage-unavailable', message, { facts: { collection, id } })
    }
    const head = this.#heads.get(collection, id)
    if ((expect === 'absent' ? null : expect) !== (head?.digest == null ? null : head.revision)) {
      throw new WarderError('stale-revision', 'The record was changed meanwhile.', { facts: { collection, id } })
    }
    const revision = expect === 'absent' ? 1 : expect + 1
    const digest = { collection, id, revision, old: head?.digest ?? null }
    if (content === undefined) return { change: each, digest: { ...digest, new: null } }
    const body = seal(this.#keys, { collection, id, revision }, content.plaintext)
    content.plaintext.fill(0)
    return { change: each, digest: { ...digest, new: digestOf(body) }, body }
  }

  async #apply({ change: { collection, id, expect, content }, digest, body }: Sealed, op: Op): Promise<void> {
    if (content !== undefined && body !== undefined) {
      const record = { collection, id, revision: digest.revision, attributes: content.attributes, body }
      await this.#store.put(record, expect, op)
    } else {
      await this.#store.delete(collection, id, expect as number, op)
    }
  }

  async #finish(
    draft: EventDraft,
    intent: number,
    digests: readonly WriteDigest[],
    applied: number,
    result: string,
  ): Promise<void> {
    await this.#journal.outcome({ ...draft, result }, intent, applied)
    for (const [index, { collection, id, revision, new: digest }] of digests.entries()) {
      if (index < applied) this.#heads.set(collection, id, { revision, digest })
      this.#inFlight.delete(lockKey(collection, id))
    }
  }

  /** After a failed write: 1 when storage holds it all the same, 0 when it holds the old state. */
  async #sawThrough(write: WriteDigest | undefined, op: Op): Promise<0 | 1> {
    if (write === undefined) return 0
    const stored = await this.#store.get(write.collection, write.id, op)
    return (stored === undefined ? null : digestOf(stored.body)) === write.new ? 1 : 0
  }

  /** Says what is wrong with a record that is not the head: changed, older, or newer than the journal knows. */
  #explainMismatch(
    stored: { collection: string; id: string; revision: number; body: Uint8Array },
    expected: number,
  ): never {
    const { collection, id, revision } = stored
    unseal(this.#keys, stored, stored.body).fill(0)
    const what = revision < expected ? 'was put back to an older state' : 'is not the state the journal knows'
    throw distrust('record-rolled-back', what, collection, id, { revision, expected })
  }
}

function required<T>(record: Versioned<T> | undefined, { name }: Collection<T>, id: string): Versioned<T> {
  if (record === undefined) throw distrust('record-missing', 'is not known to the journal', name, id)
  return record
}

const lockKey = (collection: string, id: string): string => `${collection}/${id}`

/** As {@link Repository.open}. */
function openRecord<T>(keys: SealingKeys, { name, schema }: Collection<T>, id: string, stored: StoredRecord): T {
  const value = openSealed(keys, { collection: name, id }, stored)
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw corrupt({ collection: name, id }, 'value', parsed.error)
  return parsed.data
}
