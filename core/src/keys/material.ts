import { randomBytes } from 'node:crypto'
import {
  type GeneratedKey,
  type KeyAlgorithm,
  type KeyRef,
  type KeyUsage,
  keyAlgorithms,
  usagesOf,
  WarderError,
} from '@warder/contract'
import type { VersionRecord } from './collection.ts'

/** Between what the HSM answers and what is stored of a version. */
export function toVersionRecord(
  made: GeneratedKey,
  of: Pick<VersionRecord, 'key' | 'number' | 'algorithm' | 'usage' | 'exportable' | 'createdAt'>,
): VersionRecord {
  const { ref, spki, checkValue } = made
  return {
    ...of,
    ...(spki && { spki: base64(spki) }),
    ...(checkValue && { checkValue: base64(checkValue) }),
    private:
      ref.custody === 'resident'
        ? { custody: 'resident', id: ref.id, ...tokenOf(made) }
        : { custody: 'sealed', rootKey: ref.rootKey, blob: base64(ref.blob) },
  }
}

/** Which token has it, as far as that is told: of a resident key. */
export function tokenOf({ ref }: GeneratedKey): { readonly token?: string } {
  return ref.custody === 'resident' && ref.token !== undefined ? { token: ref.token } : {}
}

/** @throws WarderError `wrong-state` once the version was destroyed. */
export function toRef({ algorithm, usage, exportable, private: half, spki, checkValue }: VersionRecord): KeyRef {
  if (half === null)
    throw new WarderError('wrong-state', 'This version was destroyed.', { facts: { state: 'destroyed' } })
  if (half.custody === 'resident') {
    const identity = Buffer.from(spki ?? checkValue ?? '', 'base64')
    return { custody: 'resident', algorithm, usage, id: half.id, identity, ...(half.token && { token: half.token }) }
  }
  const blob = Buffer.from(half.blob, 'base64')
  const ref = { custody: 'sealed', algorithm, usage, exportable, rootKey: half.rootKey, blob } as const
  if (spki !== undefined) return { ...ref, spki: Buffer.from(spki, 'base64') }
  return checkValue === undefined ? ref : { ...ref, checkValue: Buffer.from(checkValue, 'base64') }
}

/** CKA_ID of a resident key. */
export const newObjectId = (): string => randomBytes(16).toString('hex')

/** @throws WarderError `unknown-algorithm`. */
export function keyAlgorithm(name: string): KeyAlgorithm {
  const found = keyAlgorithms.find(algorithm => algorithm === name)
  if (found !== undefined) return found
  throw new WarderError('unknown-algorithm', `Unknown key algorithm; known are ${keyAlgorithms.join(', ')}.`, {
    facts: { field: 'algorithm' },
  })
}

/** The usage named, or the algorithm's first. @throws WarderError `usage-not-allowed`. */
export function keyUsage(algorithm: KeyAlgorithm, name: string | undefined): KeyUsage {
  const possible = usagesOf[algorithm]
  const found = name === undefined ? possible[0] : possible.find(usage => usage === name)
  if (found !== undefined) return found
  throw new WarderError('usage-not-allowed', `A ${algorithm} key can be made for ${possible.join(' or ')}.`, {
    facts: { field: 'usage' },
  })
}

export const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
