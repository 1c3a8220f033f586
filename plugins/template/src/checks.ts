import type { Expected, Query, StoredRecord, Write } from '@warder/contract'

/** What a store refuses as its caller's bug: each function throws a `TypeError` or returns. */
export function checkWrites(writes: readonly Write[], maxBodyBytes: number): void {
  if (writes.length > 256) throw new TypeError('a batch holds at most 256 writes')
  for (const write of writes) {
    if ('put' in write) checkPut(write.put, write.expect, maxBodyBytes)
    else checkKey(write.delete.collection, write.delete.id)
    const { expect } = write
    if (expect !== 'absent' && (!Number.isSafeInteger(expect) || expect < 1))
      throw new TypeError('expect is no revision')
  }
}

function checkPut({ collection, id, revision, body }: StoredRecord, expect: Expected, maxBodyBytes: number): void {
  checkKey(collection, id)
  if (revision !== (expect === 'absent' ? 1 : expect + 1))
    throw new TypeError('revision is not the expected one plus one')
  if (body.length > maxBodyBytes) throw new TypeError(`body exceeds ${maxBodyBytes} bytes`)
}

export function checkKey(collection: string, id: string): void {
  checkCollection(collection)
  const bytes = Buffer.byteLength(id, 'utf8')
  if (bytes < 1 || bytes > 255 || id.includes('\0') || /\p{Surrogate}/u.test(id)) {
    throw new TypeError('id must be 1 to 255 bytes of well-formed UTF-8 without NUL')
  }
}

export function checkQuery(collection: string, { limit }: Query): void {
  checkCollection(collection)
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) throw new TypeError('limit must be 1 to 1000')
}

function checkCollection(collection: string): void {
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(collection)) throw new TypeError('collection must match [a-z][a-z0-9-]{0,62}')
}
