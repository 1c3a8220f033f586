import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/**
 * An API key as its owner holds it: `wrd_<id>_<secret>`. The id is 16 lower-case hex digits, the secret is base64url over
 * 32 random bytes and an 8-byte check. The check is a truncated HMAC-SHA-256 under the appliance's own key: a string that
 * Warder did not issue fails there, in microseconds, and cannot be used to make it run Argon2id.
 */
const pattern = /^wrd_([0-9a-f]{16})_([A-Za-z0-9_-]{54})$/
const randomLength = 32
const checkLength = 8

export interface PresentedKey {
  readonly id: string
  /** The random part, which the stored hash is made from. */
  readonly secret: Buffer
}

export function issueApiKey(checkKey: Uint8Array): { id: string; secret: Buffer; presented: string } {
  const id = randomBytes(8).toString('hex')
  const secret = randomBytes(randomLength)
  const presented = `wrd_${id}_${Buffer.concat([secret, check(checkKey, id, secret)]).toString('base64url')}`
  return { id, secret, presented }
}

/** `undefined` for anything Warder did not issue; constant-time in the check. */
export function readApiKey(checkKey: Uint8Array, presented: string): PresentedKey | undefined {
  const match = pattern.exec(presented)
  if (match === null) return undefined
  const [, id, encoded] = match as unknown as [string, string, string]
  const bytes = Buffer.from(encoded, 'base64url')
  // 54 digits carry 4 bits more than 40 bytes: only one spelling of a key is that key.
  if (bytes.toString('base64url') !== encoded) return undefined
  const secret = bytes.subarray(0, randomLength)
  return timingSafeEqual(bytes.subarray(randomLength), check(checkKey, id, secret)) ? { id, secret } : undefined
}

function check(checkKey: Uint8Array, id: string, secret: Uint8Array): Buffer {
  return createHmac('sha256', checkKey).update(id).update(secret).digest().subarray(0, checkLength)
}
