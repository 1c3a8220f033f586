import pkcs11js from 'pkcs11js'
import type { GeneratedKey, KeyAlgorithm } from '@warder/contract'
import { keyForms } from './algorithms.ts'
import { holding, type Cryptoki, type Handle, type Template } from './cryptoki.ts'
import type { RootKey } from './root-keys.ts'
import { readSpki } from './spki.ts'
import { departingPair, residentPair } from './templates.ts'

// an RSA-4096 PKCS#8 is about 2.4 KB
const maxBlobBytes = 8192

const wrapping = { mechanism: pkcs11js.CKM_AES_KEY_WRAP_PAD }

/** Makes a tenant's key pair on the token. */
export async function generateResident(
  lib: Cryptoki,
  session: Handle,
  algorithm: KeyAlgorithm,
  id: string,
): Promise<{ readonly privateKey: Handle; readonly spki: Uint8Array }> {
  const pair = await makePair(lib, session, algorithm, residentPair(algorithm, id))
  return { privateKey: pair.privateKey, spki: readSpki(lib, session, pair.publicKey, algorithm) }
}

/**
 * Makes a key pair as session objects, wraps the private half out under the root key (RFC 5649) and destroys both. When
 * it throws the caller must close the session, and the objects end with it.
 */
export async function generateSealed(
  lib: Cryptoki,
  session: Handle,
  algorithm: KeyAlgorithm,
  rootKey: RootKey,
): Promise<GeneratedKey & { readonly ref: { readonly custody: 'sealed' } }> {
  const pair = await makePair(lib, session, algorithm, departingPair(algorithm))
  const out = Buffer.alloc(maxBlobBytes)
  const wrapped = await holding([out], lib.C_WrapKeyAsync(session, wrapping, rootKey.handle, pair.privateKey, out))
  const spki = readSpki(lib, session, pair.publicKey, algorithm)
  lib.C_DestroyObject(session, pair.privateKey)
  lib.C_DestroyObject(session, pair.publicKey)
  const blob = new Uint8Array(wrapped)
  return { ref: { custody: 'sealed', algorithm, rootKey: rootKey.number, blob }, spki }
}

/** Unwraps a sealed key as a session object of `session`. */
export function unwrap(
  lib: Cryptoki,
  session: Handle,
  rootKey: Handle,
  blob: Uint8Array,
  template: Template,
): Promise<Handle> {
  const wrapped = Buffer.from(blob)
  return holding([wrapped], lib.C_UnwrapKeyAsync(session, wrapping, rootKey, wrapped, template))
}

function makePair(
  lib: Cryptoki,
  session: Handle,
  algorithm: KeyAlgorithm,
  templates: { readonly public: Template; readonly private: Template },
): Promise<{ readonly privateKey: Handle; readonly publicKey: Handle }> {
  const mechanism = { mechanism: keyForms[algorithm].generation }
  return holding([], lib.C_GenerateKeyPairAsync(session, mechanism, templates.public, templates.private))
}
