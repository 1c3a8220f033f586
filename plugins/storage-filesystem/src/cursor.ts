import { WarderError, type Cursor } from '@warder/contract'

/** A cursor is the last id a page looked at, so it needs no state and outlives the record, the page and the process. */
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
