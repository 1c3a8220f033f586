import pkcs11js from 'pkcs11js'
import type { KeyAlgorithm, KeyPurpose } from '@warder/contract'
import { isSecret, keyForms } from './algorithms.ts'

export interface MechanismFacts {
  readonly min: number
  readonly max: number
  readonly flags: number
}

/** What a token lists, by mechanism. */
export type Mechanisms = ReadonlyMap<number, MechanismFacts>

export function can(mechanisms: Mechanisms, mechanism: number, flags: number): boolean {
  const facts = mechanisms.get(mechanism)
  return facts !== undefined && (facts.flags & flags) === flags
}

export function canWrap(mechanisms: Mechanisms): boolean {
  return can(mechanisms, pkcs11js.CKM_AES_KEY_WRAP_PAD, pkcs11js.CKF_WRAP | pkcs11js.CKF_UNWRAP)
}

/** The mechanism for want of which no such key can be made, whatever for. */
export function missingToGenerate(mechanisms: Mechanisms, algorithm: KeyAlgorithm): number | undefined {
  const form = keyForms[algorithm]
  const flag = isSecret(algorithm) ? pkcs11js.CKF_GENERATE : pkcs11js.CKF_GENERATE_KEY_PAIR
  if (!can(mechanisms, form.generation, flag)) return form.generation
  const size = mechanisms.get(form.generation)
  // of secret keys and Edwards curves there is one size here, which modules state in different units
  const sized = (form.family === 'rsa' || form.family === 'ec') && size !== undefined && size.max > 0
  return sized && (form.bits < size.min || form.bits > size.max) ? form.generation : undefined
}

/** The mechanism for want of which such a key could not serve its purpose. */
export function missingToServe(mechanisms: Mechanisms, algorithm: KeyAlgorithm, usage: KeyPurpose): number | undefined {
  const form = keyForms[algorithm]
  const lacks = (mechanism: number, flags: number): number | undefined =>
    can(mechanisms, mechanism, flags) ? undefined : mechanism
  if (form.family === 'hmac') return lacks(form.hmac, pkcs11js.CKF_SIGN)
  if (form.family === 'aes') {
    if (usage === 'wrap') return lacks(pkcs11js.CKM_AES_KEY_WRAP_PAD, pkcs11js.CKF_WRAP | pkcs11js.CKF_UNWRAP)
    return (
      lacks(pkcs11js.CKM_AES_GCM, pkcs11js.CKF_ENCRYPT | pkcs11js.CKF_DECRYPT) ??
      // for the check value
      lacks(pkcs11js.CKM_AES_ECB, pkcs11js.CKF_ENCRYPT)
    )
  }
  if (usage === 'encrypt') return lacks(pkcs11js.CKM_RSA_PKCS_OAEP, pkcs11js.CKF_DECRYPT)
  if (usage === 'import') return lacks(pkcs11js.CKM_RSA_PKCS_OAEP, pkcs11js.CKF_UNWRAP)
  if (usage === 'derive') return lacks(pkcs11js.CKM_ECDH1_DERIVE, pkcs11js.CKF_DERIVE)
  return form.signing.some(mechanism => can(mechanisms, mechanism, pkcs11js.CKF_SIGN)) ? undefined : form.signing[0]
}
