import {
  constants,
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from 'node:crypto'
import type { OaepAlgorithm } from '@warder/contract'
import type { ImportKey, KeyView } from '@warder/core'
import type { Client } from '../../support/client.ts'

/** The ICV of RFC 5649 section 3. */
const icv = Buffer.from('A65959A6', 'hex')
const carrierBytes = 32

export const oaepHashes: Readonly<Record<OaepAlgorithm, string>> = {
  'RSA-OAEP': 'sha1',
  'RSA-OAEP-256': 'sha256',
  'RSA-OAEP-384': 'sha384',
  'RSA-OAEP-512': 'sha512',
}

/** AES key wrap with padding, by OpenSSL. */
export function keyWrap(key: Uint8Array, bytes: Uint8Array): Buffer {
  const cipher = createCipheriv('id-aes256-wrap-pad', key, icv)
  return Buffer.concat([cipher.update(bytes), cipher.final()])
}

export function keyUnwrap(key: Uint8Array, wrapped: Uint8Array): Buffer {
  const decipher = createDecipheriv('id-aes256-wrap-pad', key, icv)
  return Buffer.concat([decipher.update(wrapped), decipher.final()])
}

/** Wraps key material to an RSA key: RSAES-OAEP of a fresh AES key, then key wrap under that. */
export function wrapTo(recipient: KeyObject, oaep: OaepAlgorithm, material: Uint8Array): Buffer {
  const carrier = randomBytes(carrierBytes)
  const padding = constants.RSA_PKCS1_OAEP_PADDING
  const encrypted = publicEncrypt({ key: recipient, padding, oaepHash: oaepHashes[oaep] }, carrier)
  return Buffer.concat([encrypted, keyWrap(carrier, material)])
}

export function unwrapWith(recipient: KeyObject, oaep: OaepAlgorithm, wrapped: Uint8Array): Buffer {
  const length = (recipient.asymmetricKeyDetails?.modulusLength ?? 0) / 8
  const padding = constants.RSA_PKCS1_OAEP_PADDING
  const options = { key: recipient, padding, oaepHash: oaepHashes[oaep] }
  const carrier = privateDecrypt(options, wrapped.subarray(0, length))
  return keyUnwrap(carrier, wrapped.subarray(length))
}

/** Key material, as its owner has it: a private key, or the bytes of a secret one. */
export type Material = KeyObject | Uint8Array

export const isPair = (material: Material): material is KeyObject => !(material instanceof Uint8Array)

/** PKCS#8 of a private key, or the bytes of a secret one. */
export const bytesOf = (material: Material): Buffer =>
  isPair(material) ? material.export({ type: 'pkcs8', format: 'der' }) : Buffer.from(material)

export interface Bringing {
  readonly space: string
  readonly name: string
  readonly algorithm: string
  readonly material: Material
  readonly [field: string]: unknown
}

/** The body of an import, wrapped under the space's import key. */
export async function importBody(client: Client, { space, material, ...rest }: Bringing): Promise<object> {
  const importKey = await client.get<Omit<ImportKey, 'spki'> & { readonly pem: string }>(
    `/v1/spaces/${space}/importKey`,
  )
  const wrapped = wrapTo(createPublicKey(importKey.pem), importKey.oaep, bytesOf(material)).toString('base64')
  const spki = isPair(material) && {
    spki: createPublicKey(material).export({ type: 'spki', format: 'der' }).toString('base64'),
  }
  return { ...rest, importKey: importKey.id, wrapped, ...spki }
}

/** Imports a key. */
export async function bringKey(client: Client, bringing: Bringing): Promise<KeyView> {
  return client.post(`/v1/spaces/${bringing.space}/keys:import`, await importBody(client, bringing))
}
