import type { KeyObject } from 'node:crypto'
import pkcs11js from 'pkcs11js'
import type { KeyAlgorithm, SealedRef } from '@warder/contract'
import { isSecret, keyForms } from './algorithms.ts'
import type { Cryptoki, Handle } from './cryptoki.ts'
import type { Identity } from './identity.ts'
import type { Mechanisms } from './mechanisms.ts'
import { readAttributes } from './objects.ts'
import { isKeyOf } from './proof.ts'
import { algorithmOf, parseSpki, publicParts } from './spki.ts'

/** Which key its caller has on record; `undefined` when it does not say. */
export function identityOf({ spki, checkValue }: SealedRef): Identity | undefined {
  if (spki !== undefined) return { spki }
  return checkValue && { checkValue }
}

/**
 * Whether a key unwrapped for its use is the one on record. An RSA key tells its modulus; a secret key is asked for its
 * check value, every other one for one proof. Errors of the token pass.
 */
export async function isOnRecord(
  lib: Cryptoki,
  session: Handle,
  handle: Handle,
  { algorithm, usage }: SealedRef,
  identity: Identity,
  mechanisms: Mechanisms,
): Promise<boolean> {
  const publicKey = 'spki' in identity ? parseSpki(identity.spki) : undefined
  if (!isSecret(algorithm) && (publicKey === undefined || !isOf(publicKey, algorithm))) return false
  if (publicKey !== undefined && keyForms[algorithm].family === 'rsa') {
    const recorded = publicParts(publicKey).find(({ type }) => type === pkcs11js.CKA_MODULUS)?.value
    const [modulus] = readAttributes(lib, session, handle, [pkcs11js.CKA_MODULUS])
    return Buffer.isBuffer(recorded) && withoutZeros(modulus).equals(withoutZeros(recorded))
  }
  // no RSA, so no OAEP to prove anything with
  return isKeyOf(lib, session, handle, { algorithm, usage }, identity, { mechanisms, oaep: 'RSA-OAEP' })
}

function isOf(publicKey: KeyObject, algorithm: KeyAlgorithm): boolean {
  return algorithm === 'Ed25519' ? publicKey.asymmetricKeyType === 'ed25519' : algorithmOf(publicKey) === algorithm
}

function withoutZeros(number: Buffer): Buffer {
  const start = number.findIndex(byte => byte !== 0)
  return start < 0 ? number.subarray(0, 0) : number.subarray(start)
}
