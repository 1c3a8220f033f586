import {
  constants,
  createDecipheriv,
  createPublicKey,
  generateKeyPairSync,
  privateDecrypt,
  type KeyObject,
} from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { WrappedRootKey } from '@warder/contract'

export interface RecipientKey {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
  readonly spki: Uint8Array
  readonly pkcs8: Uint8Array
}

const made = new Map<number, RecipientKey>()

/** One for all tests: making it takes a while. */
export function recipientKey(nth = 0): RecipientKey {
  const known = made.get(nth)
  if (known !== undefined) return known
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 3072 })
  const key = {
    publicKey,
    privateKey,
    spki: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
    pkcs8: new Uint8Array(privateKey.export({ type: 'pkcs8', format: 'der' })),
  }
  made.set(nth, key)
  return key
}

/** The file that a configuration names as its recipient. */
export function recipientFile(directory: string, { spki }: RecipientKey): Promise<string> {
  return spkiFile(directory, spki)
}

export async function spkiFile(directory: string, spki: Uint8Array): Promise<string> {
  const path = join(directory, 'recipient.pem')
  const key = createPublicKey({ key: Buffer.from(spki), type: 'spki', format: 'der' })
  await writeFile(path, key.export({ type: 'spki', format: 'pem' }), { mode: 0o644 })
  return path
}

const hashes = { 'RSA-OAEP': 'sha1', 'RSA-OAEP-256': 'sha256', 'RSA-OAEP-384': 'sha384', 'RSA-OAEP-512': 'sha512' }

/** The root key itself, opened by node:crypto. @throws when it does not open. */
export function openWrapped({ privateKey }: RecipientKey, { oaep, wrapped }: WrappedRootKey): Buffer {
  const options = { key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hashes[oaep] }
  const carrier = privateDecrypt(options, wrapped.subarray(0, 384))
  const decipher = createDecipheriv('id-aes256-wrap-pad', carrier, Buffer.from('a65959a6', 'hex'))
  return Buffer.concat([decipher.update(wrapped.subarray(384)), decipher.final()])
}
