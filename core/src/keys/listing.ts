import { type Filter, type Op, type Store, WarderError } from '@warder/contract'
import { CountedCache } from '../counted-cache.ts'
import type { CacheFigures, Keys } from '../engine-api.ts'
import type { ListPage } from '../list-page.ts'
import { readPage } from '../records/page.ts'
import type { Versioned } from '../records/repository.ts'
import { keyId, type KeyRecord, keys } from './collection.ts'
import { type Keyring, viewOf } from './keyring.ts'
import type { KeyQuery, KeyView } from './model.ts'

interface Cached {
  /** The space's count of changes when it was read: after any change it is not given again. */
  readonly changes: number
  readonly page: ListPage<KeyView>
}

const cacheSeconds = 5
const cacheBytes = 16 * 1024 * 1024

/**
 * Lists the keys of a space. Without filters a page is complete or fails: what exists is taken from the journal's head
 * index. With filters storage is asked which records match, and each of them is checked; storage could leave one out.
 *
 * Pages are remembered per caller for a few seconds in bounded memory, and never after a change in that space.
 */
export function createListing(keyring: Keyring, store: Store): { list: Keys['list']; figures(): CacheFigures } {
  const cache = new CountedCache<Cached>({ size: cacheBytes, ttlMs: cacheSeconds * 1000 })

  const list: Keys['list'] = async (call, space, query) => {
    await keyring.enter(call, space, 'read', 'key:list')
    const changes = keyring.changes(space)
    const { limit, after, prefix, state, algorithm, custody, tag } = query
    const key = JSON.stringify([call.principal.credential, space, limit, after, prefix, state, algorithm, custody, tag])
    const cached = cache.get(key, entry => entry.changes === changes)
    if (cached !== undefined) return cached.page
    const page = await (isFiltered(query)
      ? filteredPage(keyring, store, space, query, call)
      : wholePage(keyring, space, query, call))
    cache.set(key, { changes, page }, 256 + JSON.stringify(page).length)
    return page
  }
  return { list, figures: () => cache.figures() }
}

const isFiltered = ({ state, algorithm, custody, tag }: KeyQuery): boolean =>
  [state, algorithm, custody, tag].some(filter => filter !== undefined)

async function wholePage({ repository }: Keyring, space: string, query: KeyQuery, op: Op): Promise<ListPage<KeyView>> {
  const { limit, after, prefix = '' } = query
  return readPage(repository, keys, { limit, after, prefix: keyId(space, prefix) }, op, withGeneration)
}

async function filteredPage(
  { repository }: Keyring,
  store: Store,
  space: string,
  query: KeyQuery,
  op: Op,
): Promise<ListPage<KeyView>> {
  const { limit, state, algorithm, custody, tag, prefix = '' } = query
  const where: Filter = {
    space,
    ...(state !== undefined && { state }),
    ...(algorithm !== undefined && { algorithm }),
    ...(custody !== undefined && { custody }),
    ...(tag !== undefined && { tags: tag }),
  }
  let after = query.after === undefined ? undefined : decodeCursor(query.after)
  const items: KeyView[] = []
  do {
    const page = await store.query(
      keys.name,
      { where, limit: limit - items.length, ...(after !== undefined && { after }) },
      op,
    )
    for (const stored of page.records) {
      const { id } = stored
      if (!id.startsWith(keyId(space, prefix))) continue
      // What storage says is a hint: the record itself decides, and one that was deleted meanwhile is no match.
      const found = repository.found(keys, stored) ?? (await repository.read(keys, id, op))
      if (found !== undefined && matches(found.value, query)) items.push(withGeneration(found))
    }
    after = page.next
  } while (after !== undefined && items.length < limit)
  return after === undefined ? { items } : { items, next: encodeCursor(after) }
}

function matches(key: KeyRecord, { state, algorithm, custody, tag }: KeyQuery): boolean {
  return (
    (state === undefined || key.state === state) &&
    (algorithm === undefined || key.algorithm === algorithm) &&
    (custody === undefined || key.custody === custody) &&
    (tag === undefined || Object.entries(key.tags).some(([name, value]) => tag === name || tag === `${name}=${value}`))
  )
}

const withGeneration = ({ value, revision }: Versioned<KeyRecord>): KeyView =>
  viewOf({ ...value, generation: revision })

const encodeCursor = (storeCursor: string): string => Buffer.from(`2:${storeCursor}`).toString('base64url')

function decodeCursor(cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString('utf8')
  if (text.startsWith('2:') && encodeCursor(text.slice(2)) === cursor) return text.slice(2)
  throw new WarderError('malformed-request', 'This cursor is not of this listing.', { facts: { field: 'after' } })
}
