import pkcs11js from 'pkcs11js'
import { usagesOf, WarderError, type KeyAlgorithm, type KeyPurpose, type KeyRef, type KeySpec } from '@warder/contract'
import { isSecret, keyForms } from './algorithms.ts'

/** The attributes each purpose sets to true, and no others, on the key that is kept and on a pair's public half. */
interface Grants {
  readonly key: readonly number[]
  readonly public: readonly number[]
}

const pairs: Readonly<Partial<Record<KeyPurpose, Grants>>> = {
  sign: { key: [pkcs11js.CKA_SIGN], public: [pkcs11js.CKA_VERIFY] },
  encrypt: { key: [pkcs11js.CKA_DECRYPT], public: [pkcs11js.CKA_ENCRYPT] },
  derive: { key: [pkcs11js.CKA_DERIVE], public: [] },
  import: { key: [pkcs11js.CKA_UNWRAP], public: [pkcs11js.CKA_WRAP] },
}

const secrets: Readonly<Partial<Record<KeyPurpose, Grants>>> = {
  encrypt: { key: [pkcs11js.CKA_ENCRYPT, pkcs11js.CKA_DECRYPT], public: [] },
  wrap: { key: [pkcs11js.CKA_WRAP, pkcs11js.CKA_UNWRAP], public: [] },
  // who compares a MAC makes it anew
  mac: { key: [pkcs11js.CKA_SIGN], public: [] },
}

const none: Grants = { key: [], public: [] }

export function grantsOf(algorithm: KeyAlgorithm, usage: KeyPurpose): Grants {
  return (isSecret(algorithm) ? secrets : pairs)[usage] ?? none
}

/** The purpose whose attributes these are, exactly. */
export function purposeOf(algorithm: KeyAlgorithm, granted: ReadonlySet<number>): KeyPurpose | undefined {
  const purposes = Object.entries(isSecret(algorithm) ? secrets : pairs) as [KeyPurpose, Grants][]
  return purposes.find(([, { key }]) => key.length === granted.size && key.every(type => granted.has(type)))?.[0]
}

/**
 * @throws WarderError `usage-not-allowed` when such a key is not made for such a purpose.
 * @throws TypeError for what is no algorithm, and for an exportable key that is not a sealed one of a tenant.
 */
export function requireSpec({ algorithm, usage, custody, exportable }: KeySpec): void {
  if (!Object.hasOwn(keyForms, algorithm)) throw new TypeError('unknown key algorithm')
  if (custody !== 'resident' && custody !== 'sealed') throw new TypeError('unknown custody')
  if (exportable && (custody !== 'sealed' || usage === 'import')) throw new TypeError('such a key cannot be exportable')
  const allowed =
    usage === 'import'
      ? algorithm === 'RSA-4096' && custody === 'sealed'
      : (usagesOf[algorithm] as readonly KeyPurpose[]).includes(usage)
  if (!allowed) throw usageNotAllowed(`a ${custody} ${algorithm} key is not made for: ${usage}`, usage)
}

/** What each command asks of the key it is given, before the token is. @throws WarderError `usage-not-allowed`. */
export function requireUsage(ref: Pick<KeyRef, 'usage'>, wanted: KeyPurpose): void {
  if (ref.usage !== wanted) throw usageNotAllowed(`the key is not for: ${wanted}`, ref.usage)
}

export function usageNotAllowed(message: string, usage: KeyPurpose): WarderError {
  return new WarderError('usage-not-allowed', message, { facts: { usage } })
}
