import { createHmac, type Hmac } from 'node:crypto'
import canonicalize from 'canonicalize'

/**
 * Redaction is default-deny: a field of an event's subject stands in the journal as it is only when it is listed here.
 * Every other one is replaced by a keyed digest, so that equal values can be matched by who holds the key and nobody else.
 */
const publicFields: ReadonlySet<string> = new Set([
  'space',
  'key',
  'name',
  'version',
  'algorithm',
  'custody',
  'credential',
  'identity',
  'spaces',
  'permissions',
  'permission',
  'expiresAt',
  'reason',
  'counts',
  'node',
  'software',
  'droppedBytes',
  'settled',
  'usage',
  'exportable',
  'date',
  'count',
  'refused',
  'windowDays',
  'destroyAt',
  'rootKey',
  'length',
  'digest',
  'size',
  'recipient',
  'previous',
  'state',
  'lost',
  'differing',
  'by',
])

export interface RedactionKey {
  readonly version: number
  readonly key: Uint8Array
}

export interface Redacted {
  readonly subject: Readonly<Record<string, unknown>>
  readonly redacted: readonly string[]
}

/**
 * Replaces each field that is not public by `hmac-sha256:<key version>:<base64url>`, and names it. A list of byte strings,
 * as a batch has, becomes a list of digests cut to 128 bits, so that a thousand of them fit one record.
 */
export function redact(subject: Readonly<Record<string, unknown>>, redactionKey: RedactionKey): Redacted {
  const shown: Record<string, unknown> = {}
  const redacted: string[] = []
  for (const field of Object.keys(subject)) {
    const value = subject[field]
    if (value === undefined) continue
    if (publicFields.has(field)) {
      shown[field] = value
    } else {
      shown[field] = isByteStrings(value)
        ? value.map(each => digested(field, each, redactionKey).digest().toString('base64url', 0, 16))
        : `hmac-sha256:${redactionKey.version}:${digested(field, value, redactionKey).digest('base64url')}`
      redacted.push(field)
    }
  }
  return { subject: shown, redacted }
}

function isByteStrings(value: unknown): value is readonly Uint8Array[] {
  return Array.isArray(value) && value.length > 0 && value.every(each => each instanceof Uint8Array)
}

/** Typed, so that `1`, `"1"` and `true` differ, and bound to the field's name, so that equal values of two fields do too. */
function digested(field: string, value: unknown, { key }: RedactionKey): Hmac {
  const hmac = createHmac('sha256', key)
  if (value instanceof Uint8Array) return hmac.update(`${field}\0bytes\0`).update(value)
  const type = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
  return hmac.update(`${field}\0${type}\0${canonicalize(value) ?? ''}`)
}
