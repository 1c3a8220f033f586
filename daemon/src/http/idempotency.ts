import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { WarderError } from '@warder/contract'

const printable = /^[\x20-\x7e]{1,255}$/

/** @throws WarderError `malformed-request` when the header is there and not 1 to 255 characters of printable ASCII, once. */
export function idempotencyKeyOf({ headersDistinct }: IncomingMessage): string | undefined {
  const given = headersDistinct['idempotency-key']
  if (given === undefined) return undefined
  const [key = '', ...more] = given
  if (more.length === 0 && printable.test(key)) return key
  throw new WarderError('malformed-request', 'Idempotency-Key: must be 1 to 255 characters of printable ASCII', {
    facts: { field: 'Idempotency-Key' },
  })
}

/** SHA-256 over method, path and the body as it came: a repetition is the same to the byte. */
export function digestOf(method: string, path: string, body: Uint8Array): Uint8Array {
  return createHash('sha256').update(`${method}\0${path}\0`).update(body).digest()
}
