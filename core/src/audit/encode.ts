import canonicalize from 'canonicalize'
import type { JournalRecord } from './event.ts'

/** By code unit, as RFC 8785 section 3.2.3 orders members. The type makes sure that none is left out. */
const members = Object.keys({
  action: true,
  actor: true,
  applied: true,
  authn: true,
  correlation: true,
  intent: true,
  node: true,
  origin: true,
  phase: true,
  policyDigest: true,
  prev: true,
  redacted: true,
  result: true,
  salt: true,
  seq: true,
  subject: true,
  ts: true,
  type: true,
  v: true,
  writes: true,
} satisfies Record<keyof JournalRecord, true>).sort() as readonly (keyof JournalRecord)[]

const halfPair = /\p{Cs}/u

/**
 * A record as canonical JSON (RFC 8785). Its own members are known and need not be put in order each time, and well-formed
 * text is written as JSON writes it (section 3.2.2.2), and so are objects of nothing but scalars; all else goes through
 * the library.
 * @throws Error for what has no canonical form, such as half a surrogate pair.
 */
export function encodeRecord(record: JournalRecord): string {
  let json = ''
  for (const name of members) {
    const value = record[name]
    if (value === undefined) continue
    json += `${json === '' ? '{' : ','}"${name}":${flatText(value) ?? canonicalize(value)}`
  }
  return `${json}}`
}

/** Canonical text of what most members are: a scalar, or a plain object of scalars. `undefined` for all else. */
function flatText(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return scalarText(value)
  if (Object.getPrototypeOf(value) !== Object.prototype) return undefined
  let json = ''
  for (const name of Object.keys(value).sort()) {
    const member = (value as Readonly<Record<string, unknown>>)[name]
    if (member === undefined) continue
    const text = scalarText(member)
    const label = scalarText(name)
    if (text === undefined || label === undefined) return undefined
    json += `${json === '' ? '{' : ','}${label}:${text}`
  }
  return json === '' ? '{}' : `${json}}`
}

function scalarText(value: unknown): string | undefined {
  if (typeof value === 'string') return halfPair.test(value) ? undefined : JSON.stringify(value)
  // section 3.2.2.3: numbers as ECMAScript writes them
  return Number.isFinite(value) || typeof value === 'boolean' || value === null ? JSON.stringify(value) : undefined
}
