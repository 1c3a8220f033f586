import {
  constants,
  createCipheriv,
  createPrivateKey,
  createPublicKey,
  privateDecrypt,
  randomBytes,
  type KeyObject,
} from 'node:crypto'
import { oaepAlgorithms, WarderError, type OaepAlgorithm, type WrappedRootKey } from '@warder/contract'
import { ckrOf, meaningOf } from './ckr.ts'
import { holding, ownBytes, type Cryptoki, type Handle } from './cryptoki.ts'
import { checkValueIn, nameOf, type PassingRootKey } from './make-root-keys.ts'
import { oaepEncrypt, oaepForms } from './oaep.ts'
import { discard } from './objects.ts'
import { decryptionFailed } from './opening.ts'
import { recipientOf, type Recipient } from './recipient.ts'
import {
  carrierKey,
  givenCarrier,
  passingRootKey,
  unwrappingPrivateKey,
  wrappingPurposes,
  type WrappingPurpose,
} from './templates.ts'
import { unwrap } from './wrapping.ts'

/** RFC 5649 section 3. */
const alternativeIv = Buffer.from('a65959a6', 'hex')
/** 32 bytes, wrapped: no other length of an AES key makes so many. */
const wrappedKeyBytes = 40
/** What tokens have that have any. */
const everywhere: OaepAlgorithm = 'RSA-OAEP'

type Entry = WrappedRootKey & { readonly purpose: WrappingPurpose }
export type OpenedRootKey = PassingRootKey & { readonly copy: NonNullable<PassingRootKey['copy']> }

/** What a backup says, seen to be in form: nothing of it has been opened yet. */
export interface BackupEntries {
  readonly recipient: Recipient
  readonly entries: readonly Entry[]
}

/** @throws WarderError `malformed-request` for what is no backup of root keys, or no private key of RSA. */
export function readBackup(keys: readonly WrappedRootKey[], recipientKey: Uint8Array): BackupEntries {
  const recipient = recipientOf(publicHalf(recipientKey))
  const rsaBytes = rsaBytesOf(recipient)
  const named = new Set<string>()
  const entries = keys.map(key => {
    const purpose = wrappingPurposes.find(each => each === key.purpose)
    const sound =
      purpose !== undefined &&
      Number.isInteger(key.number) &&
      key.number >= 1 &&
      key.number < 1e9 &&
      oaepAlgorithms.includes(key.oaep) &&
      key.wrapped.length === rsaBytes + wrappedKeyBytes &&
      !named.has(nameOf(key))
    if (!sound) throw malformed('the backup has a root key that is none, or is not wrapped to this key', 'keys')
    named.add(nameOf(key))
    return { ...key, purpose }
  })
  const whole = entries.some(({ number }) =>
    wrappingPurposes.every(each => named.has(nameOf({ purpose: each, number }))),
  )
  if (!whole) throw malformed('the backup has no whole generation of root keys', 'keys')
  return { recipient, entries }
}

/**
 * Unwraps every root key of a backup inside the token, in three steps: the recipient's private key, with it an AES key, with
 * that the root key, as a session object that can be wrapped. All are discarded when `use` has ended.
 * @throws WarderError `decryption-failed` when one does not open.
 */
export async function withBackup<T>(
  lib: Cryptoki,
  session: Handle,
  { recipient, entries }: BackupEntries,
  recipientKey: Uint8Array,
  use: (keys: readonly OpenedRootKey[]) => Promise<T>,
): Promise<T> {
  const held: Handle[] = []
  try {
    const privateKey = await takeIn(lib, session, recipientKey)
    held.push(privateKey)
    const opener: Opener = { lib, session, privateKey, recipient, recipientKey }
    const opened: OpenedRootKey[] = []
    for (const entry of entries) {
      const handle = await open(opener, entry)
      held.push(handle)
      const { purpose, number, oaep, wrapped } = entry
      const checkValue = checkValueIn(lib, session, handle)
      const copy = { name: nameOf(entry), recipient: recipient.fingerprint, oaep, checkValue, wrapped }
      opened.push({ purpose, number, handle, copy })
    }
    return await use(opened)
  } finally {
    discard(lib, session, held)
  }
}

interface Opener {
  readonly lib: Cryptoki
  readonly session: Handle
  readonly privateKey: Handle
  readonly recipient: Recipient
  readonly recipientKey: Uint8Array
}

/** The private key as a session object that unwraps and does nothing else, by way of an AES key made for this. */
async function takeIn(lib: Cryptoki, session: Handle, pkcs8: Uint8Array): Promise<Handle> {
  const bytes = randomBytes(32)
  const cipher = createCipheriv('id-aes256-wrap-pad', bytes, alternativeIv)
  const wrapped = Buffer.concat([cipher.update(pkcs8), cipher.final()])
  try {
    const carrier = lib.C_CreateObject(session, [...givenCarrier(bytes)])
    try {
      return await unwrap(lib, session, carrier, wrapped, unwrappingPrivateKey)
    } finally {
      discard(lib, session, [carrier])
    }
  } finally {
    bytes.fill(0)
  }
}

async function open(opener: Opener, { purpose, oaep, wrapped }: Entry): Promise<Handle> {
  const { lib, session, recipient } = opener
  const rsaBytes = rsaBytesOf(recipient)
  try {
    const carrier = await openCarrier(opener, oaep, wrapped.subarray(0, rsaBytes))
    try {
      return await unwrap(lib, session, carrier, wrapped.subarray(rsaBytes), passingRootKey(purpose))
    } finally {
      discard(lib, session, [carrier])
    }
  } catch (error) {
    const ckr = ckrOf(error)
    if (ckr === undefined || isFatal(ckr)) throw error
    throw decryptionFailed(error)
  }
}

async function openCarrier(opener: Opener, oaep: OaepAlgorithm, encrypted: Uint8Array): Promise<Handle> {
  try {
    return await unwrapCarrier(opener, oaep, encrypted)
  } catch (error) {
    const ckr = ckrOf(error)
    if (ckr === undefined || isFatal(ckr) || oaep === everywhere) throw error
    // the token that is lost may have had a better OAEP than the one at hand
    return unwrapCarrier(opener, everywhere, translated(opener, oaep, encrypted))
  }
}

function unwrapCarrier({ lib, session, privateKey }: Opener, oaep: OaepAlgorithm, bytes: Uint8Array): Promise<Handle> {
  const input = ownBytes(bytes)
  const { mechanism } = oaepForms[oaep]
  return holding([input], lib.C_UnwrapKeyAsync(session, mechanism, privateKey, input, carrierKey))
}

/** The same AES key under the OAEP that every token has: outside the token, where the recipient's key is anyway. */
function translated({ recipient, recipientKey }: Opener, oaep: OaepAlgorithm, encrypted: Uint8Array): Uint8Array {
  const key = createPrivateKey({ key: Buffer.from(recipientKey), format: 'der', type: 'pkcs8' })
  const carrier = decryptCarrier(key, oaep, encrypted)
  try {
    return oaepEncrypt(recipient.spki, everywhere, carrier)
  } finally {
    carrier.fill(0)
  }
}

function decryptCarrier(key: KeyObject, oaep: OaepAlgorithm, encrypted: Uint8Array): Buffer {
  try {
    return privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: oaepForms[oaep].hash }, encrypted)
  } catch (error) {
    throw decryptionFailed(error)
  }
}

function isFatal(ckr: string): boolean {
  return ['gone', 'busy', 'pin'].includes(meaningOf(ckr))
}

function rsaBytesOf({ key }: Recipient): number {
  return (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8
}

function publicHalf(pkcs8: Uint8Array): KeyObject {
  try {
    const key = createPublicKey(createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' }))
    if (key.asymmetricKeyType === 'rsa') return key
  } catch {
    // said below
  }
  throw malformed("the recipient's key is no RSA private key", 'recipientKey')
}

function malformed(message: string, field: string): WarderError {
  return new WarderError('malformed-request', message, { facts: { field } })
}
