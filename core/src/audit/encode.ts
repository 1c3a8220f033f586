import canonicalize from 'canonicalize'
import type { JournalRecord } from './event.ts'

/** The members of a record; those it does not have may stand there without a value. */
type Members = { readonly [Name in keyof JournalRecord]: JournalRecord[Name] | undefined }

/**
 * A record as canonical JSON (RFC 8785). Its own members are written in the order of section 3.2.3, by code unit; the type
 * makes sure that none is left out. What most of them hold is written by hand, all else goes through the library.
 * @throws Error for what has no canonical form, such as half a surrogate pair.
 */
export function encodeRecord(record: Members): string {
  const { action, actor, applied, authn, correlation, intent, node, origin, phase, policyDigest, prev } = record
  const { redacted, result, salt, seq, subject, ts, type, v, writes } = record
  return `{"action":${json(action)},"actor":${json(actor)}${optional('applied', applied)}${optional('authn', authn)},"correlation":${json(correlation)}${optional('intent', intent)},"node":${json(node)},"origin":${json(origin)},"phase":${json(phase)},"policyDigest":${json(policyDigest)},"prev":${json(prev)},"redacted":${json(redacted)},"result":${json(result)},"salt":${json(salt)},"seq":${json(seq)},"subject":${json(subject)},"ts":${json(ts)},"type":${json(type)},"v":${json(v)}${optional('writes', writes)}}`
}

const optional = (name: string, value: unknown): string => (value === undefined ? '' : `,"${name}":${json(value)}`)

const json = (value: unknown): string => plainText(value) ?? (canonicalize(value) as string)

/** Canonical text of a scalar, or of a list or a plain object of such. `undefined` where anything else is among them. */
function plainText(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return scalar(value)
  if (Array.isArray(value)) return listText(value)
  return Object.getPrototypeOf(value) === Object.prototype
    ? objectText(value as Readonly<Record<string, unknown>>)
    : undefined
}

function listText(list: readonly unknown[]): string | undefined {
  let text = ''
  for (const item of list) {
    const each = plainText(item)
    if (each === undefined) return undefined
    text += text === '' ? each : `,${each}`
  }
  return `[${text}]`
}

function objectText(object: Readonly<Record<string, unknown>>): string | undefined {
  let text = ''
  for (const name of inOrder(Object.keys(object))) {
    const member = object[name]
    if (member === undefined) continue
    const label = scalar(name)
    const each = plainText(member)
    if (label === undefined || each === undefined) return undefined
    text += `${text === '' ? '' : ','}${label}:${each}`
  }
  return `{${text}}`
}

/** By code unit, as `sort` does, which takes longer to find that it has nothing to do. */
function inOrder(names: string[]): readonly string[] {
  for (let at = 1; at < names.length; at++) if ((names[at] as string) < (names[at - 1] as string)) return names.sort()
  return names
}

/** Text that JSON has as it is: ASCII with nothing to escape. */
const plain = /^[ !#-[\]-~]*$/
const halfPair = /\p{Cs}/u

function scalar(value: unknown): string | undefined {
  if (typeof value === 'string') {
    if (plain.test(value)) return `"${value}"`
    // section 3.2.2.2: well-formed text as JSON writes it
    return halfPair.test(value) ? undefined : JSON.stringify(value)
  }
  // section 3.2.2.3: numbers as ECMAScript writes them
  return Number.isFinite(value) || typeof value === 'boolean' || value === null ? String(value) : undefined
}
