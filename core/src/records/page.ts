import { type Op, WarderError } from '@warder/contract'
import type { ListPage, ListQuery } from '../list-page.ts'
import type { Collection, Repository, Versioned } from './repository.ts'

interface PageQuery extends ListQuery {
  /** Only ids that start with this. */
  readonly prefix: string
  readonly keep?: (id: string) => boolean
}

/**
 * A page of a collection in order of id. What exists is taken from the journal's head index and each record is checked on
 * reading, so that a page is complete or fails.
 */
export async function readPage<T, Shown>(
  repository: Repository,
  collection: Collection<T>,
  query: PageQuery,
  op: Op,
  show: (found: Versioned<T>) => Shown,
): Promise<ListPage<Shown>> {
  const { prefix, limit, keep } = query
  let after = query.after === undefined ? undefined : prefix + decodeCursor(query.after)
  const found: string[] = []
  for (;;) {
    const ids = repository.ids(collection, { prefix, after, limit: limit + 1 })
    for (const id of ids) if (keep?.(id) ?? true) found.push(id)
    if (ids.length <= limit || found.length > limit) break
    after = ids.at(-1)
  }
  const shown = found.slice(0, limit)
  const items: Shown[] = []
  for (const id of shown) items.push(show(await repository.require(collection, id, op)))
  const last = shown.at(-1)
  return found.length > limit && last !== undefined
    ? { items, next: encodeCursor(last.slice(prefix.length)) }
    : { items }
}

const encodeCursor = (id: string): string => Buffer.from(`1:${id}`).toString('base64url')

function decodeCursor(cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString('utf8')
  if (!text.startsWith('1:') || encodeCursor(text.slice(2)) !== cursor) {
    throw new WarderError('malformed-request', 'This cursor was not made by this service.', {
      facts: { field: 'after' },
    })
  }
  return text.slice(2)
}
