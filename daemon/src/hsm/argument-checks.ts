import { keyAlgorithms, keyUsages, WarderError, type KeyRef, type SealedRef } from '@warder/contract'

const maxBlobBytes = 16 * 1024
const maxIdentityBytes = 2048
const residentId = /^[0-9a-f]{32}$/
const algorithms: ReadonlySet<unknown> = new Set(keyAlgorithms)
const usages: ReadonlySet<unknown> = new Set([...keyUsages, 'import'])

/** By hand and not by schema: these run for every operation. What they answer is built anew, so no other member gets through. */
export function parseRef(value: unknown, field = 'ref'): KeyRef {
  const { custody, algorithm, usage, exportable, id, identity, rootKey, blob, spki, checkValue, token, ...others } =
    asMap(value, field)
  if (Object.keys(others).length > 0 || !algorithms.has(algorithm) || !usages.has(usage)) throw malformed(field)
  const kind = { algorithm, usage } as Pick<KeyRef, 'algorithm' | 'usage'>
  if (custody === 'resident') {
    const sealed = exportable ?? rootKey ?? blob ?? spki ?? checkValue
    if (sealed !== undefined || typeof id !== 'string' || !residentId.test(id)) throw malformed(field)
    const ref = { custody, ...kind, id, ...(token !== undefined && { token: serialOf(token, field) }) } as const
    return identity === undefined ? ref : { ...ref, identity: parseBytesOf(identity, field, 1, maxIdentityBytes) }
  }
  if (custody !== 'sealed' || (id ?? identity ?? token) !== undefined || typeof exportable !== 'boolean')
    throw malformed(field)
  if (typeof rootKey !== 'number' || !Number.isInteger(rootKey) || rootKey < 1 || rootKey > 0x7fffffff) {
    throw malformed(field)
  }
  const ref = { custody, ...kind, exportable, rootKey, blob: parseBytesOf(blob, field, 1, maxBlobBytes) } as const
  if (spki !== undefined && checkValue !== undefined) throw malformed(field)
  if (spki !== undefined) return { ...ref, spki: parseBytesOf(spki, field, 1, maxIdentityBytes) }
  if (checkValue !== undefined) return { ...ref, checkValue: parseBytesOf(checkValue, field, 8, 8) }
  return ref
}

function serialOf(token: unknown, field: string): string {
  if (typeof token === 'string' && token.length > 0 && token.length <= 64) return token
  throw malformed(field)
}

export function parseSealedRef(value: unknown, field = 'ref'): SealedRef {
  const ref = parseRef(value, field)
  if (ref.custody !== 'sealed') throw malformed(field)
  return ref
}

export function parseBytesOf(value: unknown, field: string, least: number, most: number): Uint8Array {
  if (value instanceof Uint8Array && value.length >= least && value.length <= most) return value
  throw malformed(field)
}

/** The members of a map that has these and no others; one that is missing is `undefined`. */
export function membersOf<Name extends string>(value: unknown, field: string, names: readonly Name[]): Members<Name> {
  const map = asMap(value, field)
  for (const name of Object.keys(map)) if (!(names as readonly string[]).includes(name)) throw malformed(field)
  return map as Members<Name>
}

type Members<Name extends string> = Readonly<Partial<Record<Name, unknown>>>

function asMap(value: unknown, field: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw malformed(field)
  return value as Record<string, unknown>
}

/** Names the argument, never its value. */
export function malformed(field: string): WarderError {
  return new WarderError('malformed-request', 'The HSM host refused a malformed argument', { facts: { field } })
}
