import type { KeyObject } from 'node:crypto'
import pkcs11js from 'pkcs11js'
import type { KeyAlgorithm, KeySpec, OaepAlgorithm, WrappedImport } from '@warder/contract'
import { isCurve, isSecret, keyForms } from './algorithms.ts'
import { holding, ownBytes, type Cryptoki, type Handle, type Template } from './cryptoki.ts'
import { identify, type Identity } from './identity.ts'
import { asNumber, readAttributes } from './objects.ts'
import { oaepForms } from './oaep.ts'
import { decryptionFailed } from './opening.ts'
import { missingToServe, type Mechanisms } from './mechanisms.ts'
import { isKeyOf } from './proof.ts'
import { algorithmOf, parseSpki, publicParts, rsaBits } from './spki.ts'
import { carrierKey, passingKey, residentImport, residentPublic, unwrappedKey } from './templates.ts'
import { unwrap, wrapOut } from './wrapping.ts'

/** What the RSA-4096 import key has encrypted. */
const encryptedBytes = 512
/** RFC 5649: what it adds, and the multiple it pads to. */
const wrappingBytes = 8

/** A request that has the form of one: nothing of it has been opened yet. */
export interface Import {
  readonly spec: KeySpec
  readonly oaep: OaepAlgorithm
  /** The AES key, encrypted. */
  readonly encrypted: Uint8Array
  /** The key, wrapped under it. */
  readonly wrapped: Uint8Array
  /** Of a key pair. */
  readonly publicKey: KeyObject | undefined
}

/** @throws WarderError `decryption-failed` for what cannot be an import of such a key. @throws TypeError for a pair without `spki`. */
export function readImport({ spec, oaep, wrapped, spki }: WrappedImport): Import {
  const key = wrapped.subarray(encryptedBytes)
  if (key.length < 2 * wrappingBytes || key.length % wrappingBytes !== 0) throw decryptionFailed()
  const parts = { spec, oaep, encrypted: wrapped.subarray(0, encryptedBytes), wrapped: key }
  const form = keyForms[spec.algorithm]
  if ('bytes' in form) {
    // longer ones would be taken by some tokens, which do not tell what length they took
    if (key.length !== form.bytes + wrappingBytes) throw decryptionFailed()
    return { ...parts, publicKey: undefined }
  }
  if (spki === undefined) throw new TypeError('a key pair is imported with its spki')
  const publicKey = parseSpki(spki)
  if (publicKey === undefined || algorithmOf(publicKey) !== spec.algorithm) throw decryptionFailed()
  return { ...parts, publicKey }
}

/**
 * Opens an import in two unwraps, and lends the key, once it is seen to be what it is said to be, as a session object that
 * is extractable if it is to be sealed. Everything ends with the session when this throws.
 */
async function openImport(
  lib: Cryptoki,
  session: Handle,
  importer: Handle,
  request: Import,
  mechanisms: Mechanisms,
): Promise<{ readonly carrier: Handle; readonly key: Handle; readonly identity: Identity }> {
  const { spec, oaep, publicKey } = request
  const { algorithm, usage } = spec
  const encrypted = ownBytes(request.encrypted)
  const { mechanism } = oaepForms[oaep]
  const carrier = await holding([encrypted], lib.C_UnwrapKeyAsync(session, mechanism, importer, encrypted, carrierKey))
  const template = spec.custody === 'sealed' ? passingKey(algorithm, usage) : unwrappedKey(algorithm, usage)
  const key = await unwrap(lib, session, carrier, request.wrapped, template)
  if (!isOfSize(lib, session, key, algorithm)) throw decryptionFailed()
  if (isSecret(algorithm)) {
    // SoftHSM refuses to use a key shorter than its kind, and longer ones were refused by their wrapped length
    return { carrier, key, identity: identify(lib, session, key, algorithm, usage) }
  }
  if (publicKey === undefined) throw decryptionFailed()
  const identity = { spki: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })) }
  if (!(await isKeyOf(lib, session, key, spec, identity, { mechanisms, oaep }))) throw decryptionFailed()
  if (usage === 'derive' && !(await twinSigns(lib, session, carrier, request, mechanisms, identity))) {
    throw decryptionFailed()
  }
  return { carrier, key, identity }
}

/**
 * An agreement answers an x-coordinate, which is the same for a public point and for its negative. So the key is unwrapped
 * once more, as one that may sign and is gone after its one signature, which is of one point only. True where the token
 * makes no such signatures: there nothing tells the two apart.
 */
async function twinSigns(
  lib: Cryptoki,
  session: Handle,
  carrier: Handle,
  { spec, oaep, wrapped }: Import,
  mechanisms: Mechanisms,
  identity: Identity,
): Promise<boolean> {
  const { algorithm } = spec
  if (missingToServe(mechanisms, algorithm, 'sign') !== undefined) return true
  const twin = await unwrap(lib, session, carrier, wrapped, unwrappedKey(algorithm, 'sign'))
  const isSigner = await isKeyOf(lib, session, twin, { algorithm, usage: 'sign' }, identity, { mechanisms, oaep })
  lib.C_DestroyObject(session, twin)
  return isSigner
}

/** Takes a key in as a sealed one, wrapped under `rootKey`. */
export async function importSealed(
  lib: Cryptoki,
  session: Handle,
  importer: Handle,
  request: Import,
  mechanisms: Mechanisms,
  rootKey: Handle,
): Promise<{ readonly blob: Uint8Array; readonly identity: Identity }> {
  const { carrier, key, identity } = await openImport(lib, session, importer, request, mechanisms)
  const blob = await wrapOut(lib, session, rootKey, key)
  for (const object of [key, carrier]) lib.C_DestroyObject(session, object)
  return { blob, identity }
}

/**
 * Takes a key in as a token object. It is unwrapped a second time for that, once it was seen to be good: nothing that was
 * not is ever on the token.
 */
export async function importResident(
  lib: Cryptoki,
  session: Handle,
  importer: Handle,
  request: Import,
  mechanisms: Mechanisms,
): Promise<{ readonly key: Handle; readonly identity: Identity }> {
  const { algorithm, usage, id } = request.spec
  const { carrier, key: passing, identity } = await openImport(lib, session, importer, request, mechanisms)
  lib.C_DestroyObject(session, passing)
  const key = await unwrap(lib, session, carrier, request.wrapped, residentImport(algorithm, usage, id))
  if (!isSecret(algorithm) && request.publicKey !== undefined) {
    const half = residentPublic(algorithm, usage, id, publicParts(request.publicKey))
    createBeside(lib, session, key, half)
  }
  lib.C_DestroyObject(session, carrier)
  return { key, identity }
}

// one half without the other would be a key that is not whole
function createBeside(lib: Cryptoki, session: Handle, key: Handle, template: Template): void {
  try {
    lib.C_CreateObject(session, template)
  } catch (error) {
    lib.C_DestroyObject(session, key)
    throw error
  }
}

/** By the token's own attributes. */
function isOfSize(lib: Cryptoki, session: Handle, key: Handle, algorithm: KeyAlgorithm): boolean {
  const form = keyForms[algorithm]
  const read = (attribute: number): Buffer => readAttributes(lib, session, key, [attribute])[0]
  if (form.family === 'rsa') return rsaBits(read(pkcs11js.CKA_MODULUS)) === form.bits
  if (form.family === 'ec' || form.family === 'edwards') return isCurve(form, read(pkcs11js.CKA_EC_PARAMS))
  // SoftHSM answers 0 for every key that was unwrapped
  return [0, form.bytes].includes(asNumber(read(pkcs11js.CKA_VALUE_LEN)))
}
