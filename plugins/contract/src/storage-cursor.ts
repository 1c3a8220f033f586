import { WarderError } from './errors.ts'
import type { Cursor } from './storage.ts'

/**
 * A cursor for stores whose medium has none of its own: the last id a page looked at. It needs no state and outlives the
 * record, the page and the process. {@link idOfCursor} gives the id back, and the page starts behind it.
 */
export function cursorAfter(id: string): Cursor {
  return Buffer.from(id, 'utf8').toString('base64url')
}

/** @throws WarderError `malformed-request` for anything {@link cursorAfter} does not make. */
export function idOfCursor(cursor: Cursor): string {
  const id = Buffer.from(cursor, 'base64url').toString('utf8')
  if (id === '' || cursorAfter(id) !== cursor) {
    throw new WarderError('malformed-request', 'The cursor is not one that this store made.')
  }
  return id
}
