import { cursorAfter, type Attributes, type Cursor, type Query } from '@warder/contract'
import type { Entry } from './collection.ts'

/**
 * A page ends early, with a cursor, when its files have this many bytes or it has looked at this many records. That
 * bounds the memory a query takes, and how long it holds the thread, whatever it is asked.
 */
const pageBytes = 4_194_304
const pageScan = 10_000

/** The ids on one page and where the next one starts, from the records that follow the query's cursor. */
export function select(
  following: Iterable<readonly [id: string, Entry]>,
  query: Query,
): { readonly ids: readonly string[]; readonly next: { readonly next?: Cursor } } {
  const ids: string[] = []
  let last = ''
  let bytes = 0
  let scanned = 0
  for (const [id, entry] of following) {
    if (ids.length === query.limit || bytes > pageBytes || scanned === pageScan) {
      return { ids, next: { next: cursorAfter(last) } }
    }
    scanned += 1
    last = id
    if (!wants(query, entry.attributes)) continue
    bytes += entry.bytes
    ids.push(id)
  }
  return { ids, next: {} }
}

/** Whether every entry of the query's filter is met: a scalar by equality, an array by containing the value. */
export function wants({ where }: Query, attributes: Attributes): boolean {
  if (where === undefined) return true
  return Object.keys(where).every(name => {
    const wanted = where[name]
    const value = Object.hasOwn(attributes, name) ? attributes[name] : undefined
    return Array.isArray(value) ? value.includes(wanted) : value === wanted
  })
}
