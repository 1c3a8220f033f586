import type { Attributes, Expected, Filter, Query, StoredRecord, Write } from './storage.ts'

/**
 * What every store refuses as its caller's bug, for stores to call first: each function throws a `TypeError` or returns.
 */
export function checkPut(record: StoredRecord, expect: Expected, maxBodyBytes: number): void {
  checkKey(record.collection, record.id)
  if (expect !== 'absent') checkRevision(expect)
  const next = expect === 'absent' ? 1 : expect + 1
  if (record.revision !== next) throw new TypeError(`revision must be ${next}, one more than expected`)
  for (const value of Object.entries(record.attributes).flat(2)) checkScalar(value)
  if (!(record.body instanceof Uint8Array)) throw new TypeError('body must be bytes')
  if (record.body.length > maxBodyBytes) throw new TypeError(`body must not exceed ${maxBodyBytes} bytes`)
}

export function checkDelete(collection: string, id: string, expect: number): void {
  checkKey(collection, id)
  checkRevision(expect)
}

export function checkWrites(writes: readonly Write[], maxBodyBytes: number): void {
  if (writes.length > 256) throw new TypeError('a batch holds at most 256 writes')
  for (const write of writes) {
    if ('put' in write) checkPut(write.put, write.expect, maxBodyBytes)
    else checkDelete(write.delete.collection, write.delete.id, write.expect)
  }
}

export function checkQuery(collection: string, query: Query): void {
  checkCollection(collection)
  if (!Number.isInteger(query.limit) || query.limit < 1 || query.limit > 1000) {
    throw new TypeError('limit must be a whole number from 1 to 1000')
  }
  for (const value of Object.entries(query.where ?? {}).flat()) checkScalar(value)
}

export function checkKey(collection: string, id: string): void {
  checkCollection(collection)
  // a UTF-16 unit takes at most three bytes, so that most ids need not be encoded to be known short enough
  const bytes = id.length <= 85 ? id.length : new TextEncoder().encode(id).length
  if (bytes < 1 || bytes > 255 || id.includes('\0') || loneSurrogate.test(id)) {
    throw new TypeError('id must be 1 to 255 bytes of well-formed UTF-8 without NUL')
  }
}

function checkCollection(collection: string): void {
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(collection)) throw new TypeError('collection must match [a-z][a-z0-9-]{0,62}')
}

function checkRevision(revision: number): void {
  if (!Number.isSafeInteger(revision) || revision < 1) throw new TypeError('expect must be a revision, from 1')
}

function checkScalar(value: Attributes[string] | Filter[string]): void {
  const sound =
    typeof value === 'string' ? !loneSurrogate.test(value) : typeof value === 'boolean' || Number.isFinite(value)
  if (!sound) throw new TypeError('attributes hold well-formed strings, finite numbers, booleans and string arrays')
}

const loneSurrogate = /\p{Surrogate}/u
