import type { KeyAlgorithm, KeyPurpose } from '@warder/contract'
import { isSecret } from './algorithms.ts'
import { checkValueOf } from './check-value.ts'
import type { Cryptoki, Handle } from './cryptoki.ts'
import { readSpki } from './spki.ts'

/** What tells one key from every other, and may be told to anyone. */
export type Identity = { readonly spki: Uint8Array } | { readonly checkValue: Uint8Array }

/** Of the public half of a pair, or of a secret key itself. */
export function identify(
  lib: Cryptoki,
  session: Handle,
  object: Handle,
  algorithm: KeyAlgorithm,
  usage: KeyPurpose,
): Identity {
  return isSecret(algorithm)
    ? { checkValue: checkValueOf(lib, session, object, algorithm, usage) }
    : { spki: readSpki(lib, session, object, algorithm) }
}

export function sameIdentity(a: Identity, b: Identity): boolean {
  if ('spki' in a) return 'spki' in b && Buffer.from(a.spki).equals(b.spki)
  return 'checkValue' in b && Buffer.from(a.checkValue).equals(b.checkValue)
}

/** Of whoever has kept the bytes of one. */
export function isIdentity(identity: Identity, bytes: Uint8Array): boolean {
  return Buffer.compare(bytes, 'spki' in identity ? identity.spki : identity.checkValue) === 0
}

export function copyIdentity(identity: Identity): Identity {
  return 'spki' in identity ? { spki: identity.spki.slice() } : { checkValue: identity.checkValue.slice() }
}
