import assert from 'node:assert/strict'
import { WarderError, type Filter, type Page, type Store, type StoredRecord, type WarderCode } from '@warder/contract'
import { patientOp, quietHost } from '../host.ts'
import type { StoragePlace, StorageSubject } from './subject.ts'

/** What the cases are written with. Stores are lent: opened before `use`, closed after it whatever happens. */
export class Bench<Config> {
  readonly subject: StorageSubject<Config>

  constructor(subject: StorageSubject<Config>) {
    this.subject = subject
  }

  async withPlace(use: (place: StoragePlace<Config>) => Promise<void>): Promise<void> {
    const place = await this.subject.place()
    try {
      await use(place)
    } finally {
      await place.remove()
    }
  }

  async withStore(place: StoragePlace<Config>, use: (store: Store) => Promise<void>): Promise<void> {
    const store = await this.open(place)
    try {
      await use(store)
    } finally {
      await store[Symbol.asyncDispose]()
    }
  }

  async withFreshStore(use: (store: Store) => Promise<void>): Promise<void> {
    await this.withPlace(place => this.withStore(place, use))
  }

  open(place: StoragePlace<Config>): Promise<Store> {
    return this.subject.plugin.open(place.config, quietHost(), patientOp())
  }
}

export const op = patientOp()

export function record(id: string, rest: Partial<StoredRecord> = {}): StoredRecord {
  return {
    collection: 'things',
    id,
    revision: 1,
    attributes: {},
    body: new TextEncoder().encode(`body of ${id}`),
    ...rest,
  }
}

/** The record as a store must give it back: equal in every member, with a body of plain bytes. */
export function assertStored(found: StoredRecord | undefined, wanted: StoredRecord): void {
  assert.ok(found, `record ${JSON.stringify(wanted.id)} is missing`)
  assert.deepEqual({ ...found, body: hexOf(found.body) }, { ...wanted, body: hexOf(wanted.body) })
}

/** Bytes as text: a failed comparison then prints something a person can read. */
function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

export async function assertRefused(call: Promise<unknown>, code: WarderCode): Promise<void> {
  await assert.rejects(call, error => {
    assert.ok(WarderError.is(error), `expected the WarderError ${code}, got ${String(error)}`)
    assert.equal(error.code, code)
    return true
  })
}

export async function assertTypeError(call: Promise<unknown>, what: string): Promise<void> {
  const outcome = await call.then(
    () => 'resolved',
    (error: unknown) => (error instanceof TypeError ? 'TypeError' : String(error)),
  )
  assert.equal(outcome, 'TypeError', `${what} must be refused with a TypeError`)
}

/** Every page of a query. Follows `next`, not the length of a page: a store may give short pages. */
export async function* pages(
  store: Store,
  { where, limit, collection = 'things' }: { where?: Filter; limit: number; collection?: string },
): AsyncGenerator<Page> {
  let after: string | undefined
  do {
    const page = await store.query(collection, { limit, ...(where && { where }), ...(after && { after }) }, op)
    assert.ok(page.records.length <= limit, 'a page never exceeds its limit')
    yield page
    after = page.next
  } while (after !== undefined)
}

export async function idsOf(
  store: Store,
  query: { where?: Filter; limit: number; collection?: string },
): Promise<string[]> {
  const ids: string[] = []
  for await (const page of pages(store, query)) ids.push(...page.records.map(found => found.id))
  return ids
}

export function inUtf8Order(ids: readonly string[]): string[] {
  return ids.toSorted((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)))
}
